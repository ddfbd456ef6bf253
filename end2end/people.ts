// People of a test: made as an admin makes them, signed in as they do, but by the same requests instead of by clicks.
import { type APIRequestContext, type Browser, type BrowserContextOptions, type Page, request } from '@playwright/test';
import type { Castellan } from './castellan';

export type Role = 'viewer' | 'member' | 'approver' | 'owner';
export type TenantRole = 'person' | 'auditor' | 'admin';

/** Good enough for the rules, and long enough to type. */
export const PASSWORD = 'four lamps beside a river';

let made = 0;

/** An address that nobody has yet. */
export function address(name: string): string {
  made += 1;
  return `${name.toLowerCase()}.${made}@example.org`;
}

/** Somebody who is signed in. */
export class Person {
  constructor(
    readonly castellan: Castellan,
    readonly name: string,
    readonly email: string,
    /** Their requests, with their session. */
    readonly requests: APIRequestContext,
  ) {}

  /** Sends what a form would; returns the answer's JSON. */
  async act(action: string, fields: Record<string, string>): Promise<{ go_to?: string; secret?: string }> {
    // A connection that the server closed for want of requests, just as one came, is no answer: then it is sent on another.
    const answer = await this.requests.post(`/actions/${action}`, { form: fields, maxRedirects: 0, maxRetries: 2 });
    const text = await answer.text();
    if (!answer.ok()) throw new Error(`${action} as ${this.name}: ${answer.status()} ${text}`);
    const done = JSON.parse(text);
    return typeof done === 'object' ? done : {};
  }

  /** A browser of theirs. */
  async open(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
    const storageState = await this.requests.storageState();
    const context = await browser.newContext({ baseURL: this.castellan.origin, storageState, ...options });
    return context.newPage();
  }

  /** Signs in once more, with a browser that has never been here. */
  async signInElsewhere(): Promise<Person> {
    const elsewhere = new Person(this.castellan, this.name, this.email, await requests(this.castellan));
    await elsewhere.act('login/sign-in', { email: this.email, password: PASSWORD });
    return elsewhere;
  }

  /** Submits a task, and returns the path of its page. */
  async submit(task: Record<string, string> & { script: string }): Promise<string> {
    return (await this.act('tasks/submit', task)).go_to!;
  }
}

/** Uses the set-up link: the first admin, who is also an owner of the first organization. */
export async function setUp(castellan: Castellan): Promise<Person> {
  const token = new URL(castellan.setupLink!).searchParams.get('token')!;
  const ada = new Person(castellan, 'Ada', 'ada@example.org', await requests(castellan));
  await ada.act('setup/set-up', {
    token,
    tenant: 'Foundry',
    organization: 'Operations',
    name: ada.name,
    email: ada.email,
    password: PASSWORD,
  });
  return ada;
}

/** An organization of a test's own, so that tests do not see each other's work. */
export class Team {
  constructor(
    readonly admin: Person,
    readonly id: string,
    readonly name: string,
  ) {}

  static async of(admin: Person, name: string): Promise<Team> {
    const { go_to } = await admin.act('organizations/create', { name });
    return new Team(admin, go_to!.split('/').at(-1)!, name);
  }

  /** Makes somebody in it, who sets a password and is signed in. */
  async add(name: string, role: Role, tenantRole: TenantRole = 'person'): Promise<Person> {
    const { castellan } = this.admin;
    const email = address(name);
    const fields = { name, email, organization: this.id, role, tenant_role: tenantRole };
    const { secret } = await this.admin.act('people/create', fields);
    const person = new Person(castellan, name, email, await requests(castellan));
    const token = new URL(secret!).searchParams.get('token')!;
    await person.act('setup/set-password', { token, password: PASSWORD });
    return person;
  }
}

/** Requests as a page of ours sends them, for JSON. */
function requests(castellan: Castellan): Promise<APIRequestContext> {
  const extraHTTPHeaders = { Accept: 'application/json', Origin: castellan.origin };
  return request.newContext({ baseURL: castellan.origin, extraHTTPHeaders });
}
