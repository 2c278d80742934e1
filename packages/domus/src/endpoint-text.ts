/** How errors and reports name an endpoint or a taberna (inbox). */
import { tabernaText } from '@flaminia/delivery-a1/internal';
import type { AnyEndpoint } from './endpoint.ts';

/** What a text needs of an endpoint. */
type Named = Pick<AnyEndpoint, 'idHi' | 'idLo' | 'name'>;

/** The name of the endpoint, or its id where it has none. */
export function endpointText(endpoint: Named): string {
  return endpoint.name ?? tabernaText(endpoint.idHi, endpoint.idLo);
}

/** A taberna in reports: JSON-safe. */
export interface TabernaRef {
  /** 16 hex digits after `0x`. */
  readonly id: string;
  /** The name of its endpoint; absent for one given by number, and where it is not known. */
  readonly name?: string;
}

/** How reports show an endpoint. */
export function tabernaRef(endpoint: Named): TabernaRef {
  const id = tabernaText(endpoint.idHi, endpoint.idLo);
  return endpoint.name === undefined ? { id } : { id, name: endpoint.name };
}
