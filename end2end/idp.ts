// OpenID Connect provider on this machine (certified `oidc-provider`): any login name is accepted.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

export const CLIENT = { client_id: 'castellan', client_secret: 'nine-owls-over-a-quiet-lake' };

export class Idp {
  private constructor(
    private readonly server: Server,
    /** Issuer URL. */
    readonly issuer: string,
  ) {}

  /** Reserves a port. The provider responds after `serve` sets the redirect URI. */
  static async listen(): Promise<Idp> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Idp(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  /** Starts to serve one client. */
  serve(redirect: string): void {
    const provider = new Provider(this.issuer, {
      clients: [{ ...CLIENT, redirect_uris: [redirect] }],
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      cookies: { keys: ['of this test alone'] },
      findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: true, name: `${id} of the provider` }),
      }),
    });
    this.server.on('request', provider.callback());
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
