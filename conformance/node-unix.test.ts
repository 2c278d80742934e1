/** The conformance cases over Unix sockets. A file of its own, so that both transports run at once. */
import { describeNode } from './node-suite.ts';

describeNode('unix');
