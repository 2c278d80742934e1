// A short reporter for node:test: one line per file, every failure in full, and the counts at the end.
import { relative } from 'node:path';

/** The counting events of one file, gathered until the file ends. */
const newFile = () => ({ passed: 0, failed: 0, skipped: 0, ms: 0 });

// biome-ignore lint/style/noDefaultExport: node:test takes a reporter as the default export
export default async function* report(source) {
  const files = new Map();
  const failures = [];
  for await (const event of source) {
    const { data } = event;
    if (event.type === 'test:stderr' || event.type === 'test:stdout') {
      if (!/ExperimentalWarning|--trace-warnings/.test(data.message)) yield data.message;
    }
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    if (data.details?.type === 'suite' || data.name === data.file || data.file === undefined) {
      if (event.type === 'test:fail' && data.file !== undefined && data.name === data.file) failures.push(data);
      continue;
    }
    const counts = files.get(data.file) ?? newFile();
    files.set(data.file, counts);
    counts.ms += data.nesting === 0 ? (data.details?.duration_ms ?? 0) : 0;
    if (data.skip !== undefined || data.todo !== undefined) counts.skipped++;
    else if (event.type === 'test:pass') counts.passed++;
    else {
      counts.failed++;
      failures.push(data);
    }
  }
  yield* summary(files, failures);
}

function* summary(files, failures) {
  const total = newFile();
  for (const [file, counts] of [...files].sort(([a], [b]) => a.localeCompare(b))) {
    for (const key of Object.keys(total)) total[key] += counts[key];
    const failed = counts.failed > 0 ? `, ${counts.failed} FAILED` : '';
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    yield `${relative(process.cwd(), file)}: ${counts.passed} passed${failed}${skipped}\n`;
  }
  for (const failure of failures) {
    const error = failure.details?.error;
    const cause = error?.cause ?? error;
    yield `\nFAILED ${relative(process.cwd(), failure.file ?? '')}: ${failure.name}\n${cause?.stack ?? cause?.message ?? String(cause)}\n`;
  }
  yield `\n${total.passed} passed, ${Math.max(total.failed, failures.length)} failed, ${total.skipped} skipped\n`;
}
