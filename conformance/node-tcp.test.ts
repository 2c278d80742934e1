/** The conformance cases over TCP with mutual TLS. A file of its own, so that both transports run at once. */
import { describeNode } from './node-suite.ts';

describeNode('tcp');
