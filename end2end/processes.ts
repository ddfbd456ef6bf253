// System processes, read from /proc.
import { readdir, readFile } from 'node:fs/promises';

export type Process = {
  pid: number;
  parent: number;
  /** Start time in clock ticks since boot. It distinguishes processes that reuse a pid. */
  since: string;
  command: string;
};

/** Returns all descendants of a process. */
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

/** Checks whether the same process is still running. */
export async function isAlive(one: Process): Promise<boolean> {
  return (await read(one.pid))?.since === one.since;
}

async function processes(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return (await Promise.all(pids.map(read))).filter((one) => one !== undefined);
}

/** Returns undefined for processes that end while they are read and for zombies. */
async function read(pid: number): Promise<Process | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command name is in parentheses and may contain any character, so fields are split after the last one.
    const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
    return { pid, parent: Number(parent), since: rest[17], command };
  } catch {
    return undefined;
  }
}
