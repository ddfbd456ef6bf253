// Server processes: start on free ports with a temporary data folder, stop with SIGTERM, and detection of leftover processes.
import { type ChildProcess, type ExecFileOptions, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendants, isAlive, type Process } from './processes';

const PROGRAM = join(import.meta.dirname, '..', 'target', 'debug', 'castellan');

/** Start timeout in milliseconds. */
const START = 30_000;
/** Stop timeout in milliseconds. */
const STOP = 15_000;

export class Castellan {
  /** Captured standard output and standard error. */
  output = '';
  /** Origin for browsers: scheme, host and port. */
  origin = '';
  /** One-time link that creates the first admin. */
  setupLink: string | undefined;

  private constructor(
    private child: ChildProcess,
    readonly folder: string,
    private readonly extraSettings: Record<string, string>,
  ) {}

  /** Starts a server without accounts, with optional extra settings. */
  static async start(extraSettings: Record<string, string> = {}): Promise<Castellan> {
    const folder = await mkdtemp(join(tmpdir(), 'castellan-end2end-'));
    // Tasks run as another user that must be able to enter the folder. Secret files have their own modes.
    await chmod(folder, 0o755);
    const castellan = new Castellan(launch(folder, '127.0.0.1:0', extraSettings), folder, extraSettings);
    await castellan.started();
    return castellan;
  }

  /** Restarts the server at the same address with the same data. */
  async restart(): Promise<void> {
    await this.stop();
    this.child = launch(this.folder, new URL(this.origin).host, this.extraSettings);
    this.output = '';
    await this.started();
  }

  /** Stops the server with SIGTERM. Throws on a timeout, a failure exit code or leftover processes. */
  async stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null) throw new Error(`castellan had ended by itself:\n${this.output}`);
    const family = await descendants(child.pid!);
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const code = await Promise.race([ended, later(STOP)]);
    if (code === 'late') {
      for (const { pid } of [...family, { pid: child.pid! }]) kill(pid);
      throw new Error(`castellan did not end within ${STOP} ms of SIGTERM:\n${this.output}`);
    }
    const left: Process[] = [];
    for (const one of family) if (await isAlive(one)) left.push(one);
    left.forEach(({ pid }) => kill(pid));
    if (left.length > 0) throw new Error(`castellan left processes: ${left.map((one) => one.command).join('; ')}`);
    if (code !== 0) throw new Error(`castellan ended with ${code}:\n${this.output}`);
  }

  /** Returns program, arguments and options of a command-line call on the same data. */
  command(...args: string[]): [string, string[], ExecFileOptions] {
    return [PROGRAM, args, { cwd: this.folder, env: { ...process.env, ...settings(this.folder) } }];
  }

  /** Removes the data folder. */
  async removeFolder(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async started(): Promise<void> {
    const { child } = this;
    const ready = new Promise<string>((resolve, reject) => {
      const onOutput = (chunk: Buffer) => {
        this.output += chunk.toString();
        const origin = /^Castellan is at (\S+)$/m.exec(this.output)?.[1];
        if (origin) resolve(origin);
      };
      child.stdout!.on('data', onOutput);
      child.stderr!.on('data', onOutput);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`castellan ended with ${code}:\n${this.output}`)));
    });
    const origin = await Promise.race([ready, later(START)]);
    if (origin === 'late') {
      child.kill('SIGKILL');
      throw new Error(`castellan did not start within ${START} ms:\n${this.output}`);
    }
    this.origin = origin;
    this.setupLink = await this.link();
  }

  /** Waits for the setup link, which follows the line with the address if there is one. */
  private async link(): Promise<string | undefined> {
    for (let n = 0; n < 20; n++) {
      const link = /^\s*(http\S+\/setup\?token=\S+)$/m.exec(this.output)?.[1];
      if (link) return link;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return undefined;
  }
}

function launch(folder: string, listen: string, extraSettings: Record<string, string>): ChildProcess {
  const own = { ...settings(folder), ...extraSettings, CASTELLAN_LISTEN: listen, CASTELLAN_RUNNER_LISTEN: '127.0.0.1:0' };
  // A developer's castellan.toml in the repository root must not affect the tests.
  return spawn(PROGRAM, ['serve'], { cwd: folder, env: { ...process.env, ...own }, stdio: ['ignore', 'pipe', 'pipe'] });
}

function settings(folder: string) {
  // Second factors have their own tests. All people sign in from one address within minutes, so the rate limit is off.
  return {
    CASTELLAN_DATA_DIR: join(folder, 'data'),
    CASTELLAN_AUTH_SECOND_FACTOR: 'off',
    CASTELLAN_LIMITS_SIGN_IN: 'off',
    // The identity provider of the tests runs on this machine.
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
    // The process has already ended.
  }
}
