// The machine's processes, read from /proc.
import { readdir, readFile } from 'node:fs/promises';

export type Process = {
  pid: number;
  parent: number;
  /** When it was started, in ticks since the machine was: with it, a number that was given anew is another process. */
  since: string;
  command: string;
};

/** All processes below one. */
export async function descendants(of: number): Promise<Process[]> {
  const all = await processes();
  const found: Process[] = [];
  const below = (parent: number) => {
    for (const one of all.filter((each) => each.parent === parent)) {
      found.push(one);
      below(one.pid);
    }
  };
  below(of);
  return found;
}

/** Whether it still runs. */
export async function isAlive(one: Process): Promise<boolean> {
  return (await read(one.pid))?.since === one.since;
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return (await Promise.all(pids.map(read))).filter((one) => one !== undefined);
}

/** One that ends while it is read is not there; neither is one that has ended and waits for its parent to notice. */
async function read(pid: number): Promise<Process | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may hold any character; the fields after it are plain.
    const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
    return { pid, parent: Number(parent), since: rest[17], command };
  } catch {
    return undefined;
  }
}
