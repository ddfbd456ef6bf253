// The real program: started on free ports with a folder of its own, stopped with SIGTERM, and nothing may be left of it.
import { type ChildProcess, type ExecFileOptions, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendants, isAlive, type Process } from './processes';

const PROGRAM = join(import.meta.dirname, '..', 'target', 'debug', 'castellan');

/** How long it may take to start, in milliseconds. */
const START = 30_000;
/** How long it may take to stop, in milliseconds. */
const STOP = 15_000;

export class Castellan {
  /** What it wrote to standard output and standard error. */
  said = '';
  /** Where browsers connect: scheme, host and port. */
  origin = '';
  /** The one-time link that makes the first admin. */
  setupLink: string | undefined;

  private constructor(
    private child: ChildProcess,
    readonly folder: string,
    private readonly more: Record<string, string>,
  ) {}

  /** Starts one that nobody has an account on, with more settings if there are any. */
  static async start(more: Record<string, string> = {}): Promise<Castellan> {
    const folder = await mkdtemp(join(tmpdir(), 'castellan-end2end-'));
    // Its tasks run as another user, who has to reach the folder; what is secret in it protects itself.
    await chmod(folder, 0o755);
    const castellan = new Castellan(launch(folder, '127.0.0.1:0', more), folder, more);
    await castellan.started();
    return castellan;
  }

  /** Stops it and starts it again at the same address, on the same data. */
  async restart(): Promise<void> {
    await this.stop();
    this.child = launch(this.folder, new URL(this.origin).host, this.more);
    this.said = '';
    await this.started();
  }

  /** Stops it as an operator would; throws if it does not end in time, ends badly, or leaves a process behind. */
  async stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null) throw new Error(`castellan had ended by itself:\n${this.said}`);
    const family = await descendants(child.pid!);
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const code = await Promise.race([ended, later(STOP)]);
    if (code === 'late') {
      for (const { pid } of [...family, { pid: child.pid! }]) kill(pid);
      throw new Error(`castellan did not end within ${STOP} ms of SIGTERM:\n${this.said}`);
    }
    const left: Process[] = [];
    for (const one of family) if (await isAlive(one)) left.push(one);
    left.forEach(({ pid }) => kill(pid));
    if (left.length > 0) throw new Error(`castellan left processes: ${left.map((one) => one.command).join('; ')}`);
    if (code !== 0) throw new Error(`castellan ended with ${code}:\n${this.said}`);
  }

  /** Another command beside the server, on the same data: program, arguments and options. */
  command(...args: string[]): [string, string[], ExecFileOptions] {
    return [PROGRAM, args, { cwd: this.folder, env: { ...process.env, ...settings(this.folder) } }];
  }

  /** Removes its folder. */
  async forget(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async started(): Promise<void> {
    const { child } = this;
    const ready = new Promise<string>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        this.said += chunk.toString();
        const origin = /^Castellan is at (\S+)$/m.exec(this.said)?.[1];
        if (origin) resolve(origin);
      };
      child.stdout!.on('data', hear);
      child.stderr!.on('data', hear);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`castellan ended with ${code}:\n${this.said}`)));
    });
    const origin = await Promise.race([ready, later(START)]);
    if (origin === 'late') {
      child.kill('SIGKILL');
      throw new Error(`castellan did not start within ${START} ms:\n${this.said}`);
    }
    this.origin = origin;
    this.setupLink = await this.link();
  }

  /** The link follows the line with the address at once, if there is one. */
  private async link(): Promise<string | undefined> {
    for (let n = 0; n < 20; n++) {
      const link = /^\s*(http\S+\/setup\?token=\S+)$/m.exec(this.said)?.[1];
      if (link) return link;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return undefined;
  }
}

function launch(folder: string, listen: string, more: Record<string, string>): ChildProcess {
  const own = { ...settings(folder), ...more, CASTELLAN_LISTEN: listen, CASTELLAN_RUNNER_LISTEN: '127.0.0.1:0' };
  // The root of the repository may hold a developer's castellan.toml: it is not for us.
  return spawn(PROGRAM, ['serve'], { cwd: folder, env: { ...process.env, ...own }, stdio: ['ignore', 'pipe', 'pipe'] });
}

function settings(folder: string) {
  // Second factors have walkthroughs of their own; and everybody of a run signs in from one address, within a few minutes.
  return {
    CASTELLAN_DATA_DIR: join(folder, 'data'),
    CASTELLAN_AUTH_SECOND_FACTOR: 'off',
    CASTELLAN_LIMITS_SIGN_IN: 'off',
    // The provider of a walkthrough is on this machine.
    CASTELLAN_AUTH_LOOPBACK_ISSUERS: 'true',
  };
}

function later(milliseconds: number): Promise<'late'> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, 'late').unref());
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
