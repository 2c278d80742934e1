/** The public door: certificates for domus (nodes), for development, tests and issuers. Loading it loads no certificate library. */
export { type Authority, type AuthorityOptions, createAuthority } from './authority.ts';
export { type DevAuthOptions, devAuth } from './dev-auth.ts';
export type { AlternativeName } from './extension.ts';
export { type IssueAuthOptions, issueAuth } from './issue-auth.ts';
export type { KeyAlgorithm } from './key.ts';
export type { PemMaterial } from './leaf.ts';
