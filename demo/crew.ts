/** The running processes of one part of the demo. One that ends unasked, or says that it has failed, ends the part. */
import { type Command, NodeProcess, type NodeTask, type Report } from './processes.ts';

export interface CrewEvents {
  /** Everything that a process reports but that it is ready. */
  heard(name: string, report: Report): void;
  failed(error: Error): void;
}

export class Crew {
  private readonly members = new Map<string, NodeProcess>();
  private readonly events: CrewEvents;

  constructor(events: CrewEvents) {
    this.events = events;
  }

  /** Starts a process; resolves when it is ready. */
  start(program: string, task: NodeTask): Promise<void> {
    const { name } = task.node;
    return new Promise((resolve) => {
      const onReport = (report: Report): void => {
        if (report.kind === 'ready') resolve();
        else if (report.kind === 'failed') this.events.failed(new Error(`${name}: ${report.text}`));
        else this.events.heard(name, report);
      };
      const onExit = (text: string): void => {
        if (this.members.get(name) === member) this.events.failed(new Error(text));
      };
      const member = new NodeProcess(program, task, onReport, onExit);
      this.members.set(name, member);
    });
  }

  command(name: string, command: Command): void {
    this.members.get(name)?.command(command);
  }

  /** Ends a process as a crash would; false where it does not run. */
  async kill(name: string): Promise<boolean> {
    const member = this.members.get(name);
    if (member === undefined) return false;
    this.members.delete(name);
    await member.kill();
    return true;
  }

  /** Ends every process. Idempotent. */
  async stop(): Promise<void> {
    const running = [...this.members.values()];
    this.members.clear();
    await Promise.all(running.map((member) => member.stop()));
  }
}
