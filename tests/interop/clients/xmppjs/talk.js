// Logins of xmpp.js, by one mechanism; tests/interop/test_others.py says how it is called and what it prints.
import { client, xml } from "@xmpp/client";

const talk = JSON.parse(process.argv[2]);
const [local, domain] = talk.jid.split("@");
const scheme = talk.tls === "direct" ? "xmpps" : "xmpp";
const tell = (what) => console.log(JSON.stringify(what));
let token; // outlives a login

function start(said) {
  let offered, used, leaving;
  const agent = xml("user-agent", { id: "d4565fa7-4d72-4749-b3d3-740edbf87770" }, xml("software", {}, "xmpp.js"));
  const xmpp = client({
    service: `${scheme}://localhost:${talk.port}`,
    domain,
    timeout: 30_000, // a busy machine is no failure
    resource: talk.profile === "SASL" ? "xmppjs" : undefined,
    credentials: async (authenticate, mechanisms, fast) => {
      offered = mechanisms;
      used = talk.mechanism;
      await authenticate({ username: local, password: talk.password, token: await fast?.fetch() }, used, agent);
    },
  });
  if (talk.profile === "SASL") {
    // It prefers SASL2 where that is offered: it shall not see it.
    xmpp.prependListener("element", (element) => {
      if (element.name === "stream:features") element.children = element.children.filter((c) => c.name !== "authentication");
    });
  }
  xmpp.fast.saveToken = async (saved) => { token = saved; };
  xmpp.fast.fetchToken = async () => token;
  xmpp.fast.deleteToken = async () => { token = undefined; };
  xmpp.on("nonza", (element) => {
    if (element.is("success")) used = `${used} by ${element.attrs.xmlns}`;
  });
  xmpp.on("send", (element) => {
    if (element.is("authenticate")) used = element.attrs.mechanism;
  });
  // What comes once it has closed its stream, it reads with a parser that it has thrown away.
  process.on("uncaughtException", (error) => { if (!leaving) throw error; });
  xmpp.on("error", (error) => {
    if (leaving) return; // what becomes of a stream that it has closed is no matter of logins
    tell({ error: String(error) });
    process.exit(1);
  });
  xmpp.on("online", async (jid) => {
    tell({ jid: String(jid), used, offered });
    await xmpp.send(xml("presence"));
    await xmpp.send(xml("message", { type: "chat", to: talk.peer }, xml("body", {}, said)));
  });
  return new Promise((done) => {
    xmpp.on("stanza", async (stanza) => {
      if (!stanza.is("message") || !stanza.getChild("body")) return;
      if (stanza.getChild("delay")) return; // what it left unacknowledged when it went the last time
      leaving = true;
      tell({ heard: stanza.getChildText("body") });
      xmpp.reconnect.stop();
      await xmpp.stop();
      done();
    });
    xmpp.start().catch(() => {});
  });
}

for (let login = 0; login < talk.logins; login++) await start(talk.say);
process.exit(0); // timers of its time-outs still run
