/** The dates of a certificate, read from its DER: the text that Node gives of them depends on how strict a parser is. */
import type { X509Certificate } from 'node:crypto';
import { certificateFields } from './certificate-fields.ts';
import { type DerElement, derChildren } from './der.ts';
import { DomusError } from './domus-error.ts';

/** Epoch milliseconds, whole seconds. */
export interface CertificateDates {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * Reads both dates. Throws `protocol-violation` for any form but the two of RFC 5280, section 4.1.2.5: with seconds,
 * without fractions, in UTC.
 */
export function certificateDates(certificate: X509Certificate): CertificateDates {
  const [notBefore, notAfter] = derChildren(certificateFields(certificate).validity);
  return { notBeforeMs: timeOf(notBefore), notAfterMs: timeOf(notAfter) };
}

const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

function timeOf(element: DerElement | undefined): number {
  const text = element?.content.toString('latin1') ?? '';
  const digits = element?.tag === UTC_TIME ? fullYear(text) : element?.tag === GENERALIZED_TIME ? text : '';
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits);
  if (parts === null) throw malformed();
  const [, year, month, day, hour, minute, second] = parts;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // A day or an hour that does not exist would be one of the next month or day.
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(`${year}-${month}-${day}T${hour}`))
    throw malformed();
  return time;
}

/** Years of two digits run from 1950 to 2049. */
function fullYear(text: string): string {
  return (text >= '5' ? '19' : '20') + text;
}

function malformed(): DomusError {
  return new DomusError('protocol-violation', 'malformed DER: a date', { detail: 'malformed-der' });
}
