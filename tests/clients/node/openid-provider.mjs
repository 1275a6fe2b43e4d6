// The certified OpenID provider of npm (oidc-provider): whoever types a name is that person, as its address says.
import Provider from "oidc-provider";

const { PORT, REDIRECT, SECRET } = process.env;
const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  clients: [{ client_id: "kedang", client_secret: SECRET, redirect_uris: [REDIRECT] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  cookies: { keys: ["only for tests"] },
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: id, email: `${id}@northwind.example`, email_verified: true }),
  }),
});
provider.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));
