/** Lists files of the repository, leaving out what is installed, built or generated. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const skipped: ReadonlySet<string> = new Set(['node_modules', 'dist', 'target', '.cache', 'corpus']);

/** All files under `root/folder` whose name ends in `ending`, as sorted paths relative to `root`; none if it is absent. */
export function filesUnder(root: string, folder: string, ending: string): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  const entries = readdirSync(path, { withFileTypes: true }).filter((entry) => !skipped.has(entry.name));
  const found = entries.flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesUnder(root, name, ending);
    return entry.isFile() && name.endsWith(ending) ? [name] : [];
  });
  return found.sort();
}
