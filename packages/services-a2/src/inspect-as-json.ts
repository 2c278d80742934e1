/** How what a program may log shows itself: in short, and without a byte of what it carries. */
import { type InspectOptions, inspect } from 'node:util';

interface Shown {
  toJSON(): object;
}

/** Has `console.log` and `inspect` show what JSON shows; Node would print the machinery, with the buffers in it. */
export function inspectAsJson({ name, prototype }: { readonly name: string; readonly prototype: Shown }): void {
  Object.defineProperty(prototype, inspect.custom, {
    value(this: Shown, _depth: number, options: InspectOptions): string {
      return `${name} ${inspect(this.toJSON(), options)}`;
    },
  });
}
