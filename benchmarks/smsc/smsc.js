// An SMSC that takes everything: `node smsc.js DELAY` answers each submit_sm after DELAY milliseconds.
"use strict";
const smpp = require("smpp");
const delay = +process.argv[2] || 0;
let ids = 0;

const server = smpp.createServer((session) => {
  session.on("error", () => {});
  session.on("bind_transceiver", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => { session.send(pdu.response()); session.close(); });
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("submit_sm", (pdu) => {
    const answer = () => session.send(pdu.response({ message_id: String(++ids) }));
    if (delay) setTimeout(answer, delay); else answer();
  });
});

server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
process.stdin.resume().on("end", () => process.exit(0));
