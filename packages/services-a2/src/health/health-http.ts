/** Answers for a kubelet or a load balancer, over `node:http` (a2-services, health). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HealthStatus } from './health-status.ts';

/**
 * A listener for `createServer`. `/livez`: 200 while the process runs. `/readyz`: 200 while the node is healthy and 503
 * otherwise, from the beginning of draining on; its body is the status as JSON. GET and HEAD only.
 */
export function healthHttpHandler(health: {
  status(): HealthStatus;
}): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const path = pathOf(request.url ?? '');
    if (path !== '/livez' && path !== '/readyz') return answer(request, response, 404, { error: 'not found' });
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return answer(request, response, 405, { error: 'method not allowed' });
    }
    if (path === '/livez') return answer(request, response, 200, { state: 'alive' });
    const status = health.status();
    answer(request, response, status.state === 'healthy' ? 200 : 503, status);
  };
}

/** Of either form: who asks through a proxy may send the whole URL (RFC 9112, 3.2.2). */
function pathOf(target: string): string {
  const [path] = target.replace(/^https?:\/\/[^/?]*/i, '').split('?', 1);
  return path!;
}

function answer(request: IncomingMessage, response: ServerResponse, code: number, body: unknown): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(code, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.length,
    'cache-control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}
