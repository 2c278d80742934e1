/** Asks a Standard Schema about arriving values, on behalf of the ready-made codecs. */
import { DomusError, outOfRange } from '@flaminia/transport-a0';
import { dropPromise } from '@flaminia/transport-a0/internal';
import type { StandardSchemaIssue, StandardSchemaV1 } from './standard-schema.ts';
import { decodeFailure } from './value-failure.ts';

/** What stands between the decoded value and the handler. */
export type SchemaCheck = (value: unknown) => unknown;

/** Most paths that one text names, and most characters of each: paths hold keys that the sender chose. */
const PATHS_SHOWN = 4;
const PATH_MAX_CHARS = 80;

/**
 * The check of a schema: gives the schema's output, or throws `decode-failure` that names the paths of what is wrong.
 * Issue messages are left out, since some libraries quote the value. Without a schema every value passes as it is.
 * `invalid-config` for what is no schema, naming `field`.
 */
export function schemaCheck(schema: StandardSchemaV1 | undefined, field = 'schema of a codec'): SchemaCheck {
  if (schema === undefined) return (value) => value;
  const standard = schema?.['~standard'];
  if (typeof standard?.validate !== 'function' || standard.version !== 1) {
    throw outOfRange(field, 'a Standard Schema, version 1', schema);
  }
  return (value) => {
    const result = validated(standard.validate, value);
    if (dropPromise(result)) {
      throw decodeFailure('schema-asynchronous', 'the schema is asynchronous, and messages are checked at once');
    }
    if (result.issues === undefined) return result.value;
    throw decodeFailure('schema-mismatch', `the message does not fit its schema ${placesOf(result.issues)}`);
  };
}

/** Whether a value was refused; else its schema could not judge it. */
export function isJudgement(error: unknown): error is DomusError {
  if (!DomusError.is(error) || error.kind !== 'decode-failure') return false;
  return error.detail !== 'schema-asynchronous' && error.detail !== 'schema-failed';
}

type Validate = StandardSchemaV1['~standard']['validate'];

function validated(validate: Validate, value: unknown): ReturnType<Validate> {
  try {
    return validate(value);
  } catch (cause) {
    throw decodeFailure('schema-failed', 'the schema threw', cause);
  }
}

/** Where the issues are: `at lines[2].price, note and 3 more`. */
function placesOf(issues: readonly StandardSchemaIssue[]): string {
  const paths = [...new Set(issues.map(pathText))];
  const shown = paths.slice(0, PATHS_SHOWN).join(', ');
  return paths.length > PATHS_SHOWN ? `at ${shown} and ${paths.length - PATHS_SHOWN} more` : `at ${shown}`;
}

function pathText(issue: StandardSchemaIssue): string {
  let text = '';
  for (const segment of issue.path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment;
    if (typeof key === 'string' && /^[A-Za-z_$][\w$]*$/.test(key)) text += text === '' ? key : `.${key}`;
    else text += `[${typeof key === 'string' ? JSON.stringify(key) : String(key)}]`;
    if (text.length > PATH_MAX_CHARS) return `${text.slice(0, PATH_MAX_CHARS)}…`;
  }
  return text === '' ? 'its top level' : text;
}
