// Test users: created and signed in with the requests of the pages instead of clicks.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type APIRequestContext, type Browser, type BrowserContextOptions, type Page, request } from '@playwright/test';
import type { Castellan } from './castellan';

export type Role = 'viewer' | 'member' | 'approver' | 'owner';
export type TenantRole = 'person' | 'auditor' | 'admin';

/** Satisfies the password policy. */
export const PASSWORD = 'four lamps beside a river';

let made = 0;

/** Returns an unused email address. */
export function address(name: string): string {
  made += 1;
  return `${name.toLowerCase()}.${made}@example.org`;
}

/** A signed-in person. */
export class Person {
  constructor(
    readonly castellan: Castellan,
    readonly name: string,
    readonly email: string,
    /** Request context with their session cookie. */
    readonly requests: APIRequestContext,
  ) {}

  /** Submits a form action and returns the JSON response. */
  async act(action: string, fields: Record<string, string>): Promise<{ go_to?: string; secret?: string }> {
    // The server may close an idle connection just when a request is sent. Playwright then retries on a new one.
    const answer = await this.requests.post(`/actions/${action}`, { form: fields, maxRedirects: 0, maxRetries: 2 });
    const text = await answer.text();
    if (!answer.ok()) throw new Error(`${action} as ${this.name}: ${answer.status()} ${text}`);
    const done = JSON.parse(text);
    return typeof done === 'object' ? done : {};
  }

  /** Opens a page in a new browser context with their session. */
  async open(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
    const storageState = await this.requests.storageState();
    const context = await browser.newContext({ baseURL: this.castellan.origin, storageState, ...options });
    return context.newPage();
  }

  /** Signs in again from a new browser. */
  async signInElsewhere(): Promise<Person> {
    const elsewhere = new Person(this.castellan, this.name, this.email, await requests(this.castellan));
    await elsewhere.act('login/sign-in', { email: this.email, password: PASSWORD });
    return elsewhere;
  }

  /** Submits a task and returns the path of its page. */
  async submit(task: Record<string, string> & { script: string }): Promise<string> {
    return (await this.act('tasks/submit', task)).go_to!;
  }
}

/**
 * Uses the setup link and returns the first admin, who also owns the first organization. Where a second factor is required, she has none
 * yet and can do nothing else.
 */
export async function setUp(castellan: Castellan, secondFactor = false): Promise<Person> {
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
  // Ada makes approvers alone.
  if (!secondFactor) await ada.act('approvals/dual-control', { enabled: 'false' });
  return ada;
}

/** Creates another admin on the console: nobody else gained access to the account, so the two can confirm each other's changes. */
export async function secondAdmin(castellan: Castellan, name: string): Promise<Person> {
  const person = new Person(castellan, name, address(name), await requests(castellan));
  const create = ['admin', 'create-user', '--email', person.email, '--name', name, '--role', 'admin'];
  const { stdout } = await promisify(execFile)(...castellan.command(...create));
  const token = /token=([\w-]+)/.exec(String(stdout))![1];
  await person.act('setup/set-password', { token, password: PASSWORD });
  await dismissNotices(person);
  return person;
}

/** Marks the notices of a person as read, such as those about new approvers. */
export async function dismissNotices(person: Person): Promise<void> {
  await person.act('account/seen', { last: 'ffffffff-ffff-ffff-ffff-ffffffffffff' });
}

/** An organization for one test, which isolates its data from other tests. */
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

  /** Creates a member who sets a password and is signed in. */
  async add(name: string, role: Role, tenantRole: TenantRole = 'person'): Promise<Person> {
    const { castellan } = this.admin;
    const email = address(name);
    const fields = { name, email, organization: this.id, role, tenant_role: tenantRole };
    const { secret } = await this.admin.act('people/create', fields);
    const person = new Person(castellan, name, email, await requests(castellan));
    const token = new URL(secret!).searchParams.get('token')!;
    await person.act('setup/set-password', { token, password: PASSWORD });
    await dismissNotices(this.admin);
    await dismissNotices(person);
    return person;
  }
}

/** Creates a request context with the headers of a page that expects JSON. */
function requests(castellan: Castellan): Promise<APIRequestContext> {
  const extraHTTPHeaders = { Accept: 'application/json', Origin: castellan.origin };
  return request.newContext({ baseURL: castellan.origin, extraHTTPHeaders });
}
