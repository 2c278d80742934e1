/** How a node says that it is (a2-services, health). */

/** `unknown` until a check has told; `draining` once the node takes no new work. */
export type HealthState = 'unknown' | 'healthy' | 'unhealthy' | 'draining';
