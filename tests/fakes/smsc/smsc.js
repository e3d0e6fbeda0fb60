// An SMSC that a test directs: one JSON command a line on stdin, one JSON event a line on stdout.
//     node smsc.js [PORT [FIRST-ID [KEY CERTIFICATE]]]
"use strict";
const fs = require("fs");
const smpp = require("smpp");
const readline = require("readline");

const say = (event) => process.stdout.write(JSON.stringify(event) + "\n");
let bound = null;
let answers = []; // statuses for the next submit_sm, in turn; 0 after them
const [port, first, key, certificate] = process.argv.slice(2);
let ids = (+first || 1) - 1;
let silent = 0; // how many submit_sm get no answer
let base = 10;

function bytes(message) {
  const raw = message && message.message !== undefined ? message.message : message;
  return raw;
}

const secure = key ? { key: fs.readFileSync(key), cert: fs.readFileSync(certificate) } : {};
const server = smpp.createServer(secure, (session) => {
  session.on("error", () => {});
  session.on("close", () => { if (bound === session) bound = null; say({ event: "closed" }); });
  session.on("bind_transceiver", (pdu) => {
    if (pdu.password !== "pass") {
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
      session.close();
      return;
    }
    session.send(pdu.response());
    bound = session;
    say({ event: "bound", system_id: pdu.system_id });
  });
  session.on("unbind", (pdu) => { session.send(pdu.response()); session.close(); });
  session.on("enquire_link", (pdu) => { session.send(pdu.response()); say({ event: "enquired" }); });
  session.on("submit_sm", (pdu) => {
    const status = answers.length ? answers.shift() : 0;
    const text = bytes(pdu.message_payload) || bytes(pdu.short_message);
    const udh = pdu.short_message && pdu.short_message.udh ? pdu.short_message.udh.map((one) => one.toString("hex")) : [];
    const id = (++ids).toString(10);
    say({
      event: "submitted", id, status, text: String(text), udh, to: pdu.destination_addr, from: pdu.source_addr,
      ton: pdu.source_addr_ton, coding: pdu.data_coding, registered: pdu.registered_delivery, service: pdu.service_type,
      op: pdu.ussd_service_op === undefined ? null : pdu.ussd_service_op,
      session: pdu.its_session_info ? pdu.its_session_info.toString("hex") : null,
      reference: pdu.user_message_reference === undefined ? null : pdu.user_message_reference,
    });
    if (silent > 0) { silent--; return; }
    session.send(pdu.response(status ? { command_status: status } : { message_id: base === 16 ? (+id + 1000).toString(16) : id }));
  });
});

const commands = {
  deliver({ fields, tag }) {
    const given = Object.assign({ source_addr_ton: 1, source_addr_npi: 1, destination_addr: "2424" }, fields);
    for (const key of ["short_message", "message_payload"]) if (given[`${key}_hex`] !== undefined) {
      given[key] = Buffer.from(given[`${key}_hex`], "hex");
      delete given[`${key}_hex`];
    }
    if (given.session !== undefined) { given.its_session_info = Buffer.from(given.session, "hex"); delete given.session; }
    if (!bound) return say({ event: "answered", tag, status: 0x04 });
    bound.deliver_sm(given, (pdu) => say({ event: "answered", tag, status: pdu.command_status }));
  },
  answer({ statuses }) { answers = statuses; },
  silence({ count }) { silent = count; },
  hexadecimal() { base = 16; },
  drop() { if (bound) bound.destroy(); },
  raw({ hex }) { bound.socket.write(Buffer.from(hex, "hex")); },
};

server.listen(+port || 0, "127.0.0.1", () => say({ event: "listening", port: server.address().port }));
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const command = JSON.parse(line);
  commands[command.do](command);
  say({ event: "did" });
}).on("close", () => process.exit(0));
