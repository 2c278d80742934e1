/** Import cycles among files, type-only imports included. */
import { type Finding, resolveFrom, type SourceFile } from './source-file.ts';

/** The shortest cycle through each file that lies on one; files of a cycle that is told already are not told again. */
export function checkCycles(files: readonly SourceFile[]): Finding[] {
  const graph = graphOf(files);
  const reported = new Set<string>();
  const findings: Finding[] = [];
  for (const path of graph.keys()) {
    if (reported.has(path)) continue;
    const cycle = shortestCycle(graph, path);
    if (cycle === undefined) continue;
    for (const member of cycle) reported.add(member);
    findings.push({ path, line: 1, text: `import cycle: ${[...cycle, path].join(' -> ')}` });
  }
  return findings;
}

function graphOf(files: readonly SourceFile[]): Map<string, string[]> {
  const paths = new Set(files.map((file) => file.path));
  return new Map(
    files.map((file) => {
      const targets = file.imports
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => resolveFrom(file.path, specifier));
      return [file.path, targets.filter((target) => paths.has(target))];
    }),
  );
}

/** Breadth first from `start` back to `start`. */
function shortestCycle(graph: ReadonlyMap<string, readonly string[]>, start: string): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const path of queue) {
    for (const target of graph.get(path) ?? []) {
      if (target === start) return trail(cameFrom, start, path);
      if (cameFrom.has(target)) continue;
      cameFrom.set(target, path);
      queue.push(target);
    }
  }
  return undefined;
}

function trail(cameFrom: ReadonlyMap<string, string>, start: string, end: string): string[] {
  const path = [end];
  while (path[0] !== start) path.unshift(cameFrom.get(path[0]!)!);
  return path;
}
