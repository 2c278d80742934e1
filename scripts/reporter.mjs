// A short reporter for node:test: one line per file, every failure in full, and the counts at the end. Files are named by their
// sources, and so are the lines of a failure's stack.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { inspect } from 'node:util';

const maps = new Map();

/** The source map that a build has written beside a file; undefined where there is none. */
function mapOf(file) {
  if (!maps.has(file)) {
    try {
      maps.set(file, new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8'))));
    } catch {
      maps.set(file, undefined);
    }
  }
  return maps.get(file);
}

/** Where something stands in its source. */
function sourceOf(file, line, column) {
  const entry = mapOf(file)?.findEntry(line - 1, column - 1);
  if (entry?.originalSource === undefined) return { file, line, column };
  const { originalSource, originalLine, originalColumn } = entry;
  return { file: resolve(dirname(file), originalSource), line: originalLine + 1, column: originalColumn + 1 };
}

function inSources(stack) {
  return stack.replace(/(?:file:\/\/)?(\/[^\s():]+\.js):(\d+):(\d+)/g, (_, path, line, column) => {
    const at = sourceOf(path, Number(line), Number(column));
    return `${relative(process.cwd(), at.file)}:${at.line}:${at.column}`;
  });
}

function nameOf(file) {
  const source = mapOf(file)?.payload.sources.find((path) => path.endsWith('.test.ts'));
  return relative(process.cwd(), source === undefined ? file : resolve(dirname(file), source));
}

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
    yield `${nameOf(file)}: ${counts.passed} passed${failed}${skipped} (${(counts.ms / 1000).toFixed(1)} s)\n`;
  }
  for (const failure of failures) {
    const error = failure.details?.error;
    const cause = error?.cause ?? error;
    yield `\nFAILED ${nameOf(failure.file ?? '')}: ${failure.name}\n${inSources(cause?.stack ?? cause?.message ?? inspect(cause))}\n`;
  }
  yield `\n${total.passed} passed, ${Math.max(total.failed, failures.length)} failed, ${total.skipped} skipped\n`;
}
