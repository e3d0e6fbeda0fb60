// The phone on the first page. It posts to the simulator channel's own webhooks and polls its inbox; nothing else.
"use strict";

(() => {
  const root = document.querySelector("[data-phone]");
  if (!root) return;

  const told = JSON.parse(root.dataset.phone);
  const say = told.words;
  const find = (selector) => root.querySelector(selector);
  const display = find(".display"), text = find(".text"), thread = find(".thread");
  const entry = find("#entry"), label = find('label[for="entry"]'), meter = find(".meter bdi");
  const chips = find(".chips"), number = find("#number"), badge = find(".badge");
  const basic = new Set(told.basic), extension = new Set(told.extension);

  const state = { mode: "ussd", session: "", caller: "", call: null, unread: 0, messages: [], seen: new Set(), after: 0, poll: 0 };

  // what a text costs -----------------------------------------------------------------------------------------------
  function measure(words) {
    const characters = [...words];
    const gsm = characters.length > 0 && characters.every((one) => basic.has(one) || extension.has(one));
    const encoding = gsm ? "GSM-7" : "UCS-2";
    const width = (one) => (gsm ? (extension.has(one) ? 2 : 1) : one.length);
    const units = characters.reduce((sum, one) => sum + width(one), 0);
    let segments = 1;
    if (units > told.single[encoding]) {
      let room = told.part[encoding];
      for (const one of characters) {
        if (width(one) > room) { segments += 1; room = told.part[encoding]; }
        room -= width(one);
      }
    }
    return { encoding, units, segments, limit: told.limits[encoding] };
  }

  const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

  function count(words, pattern) {
    meter.textContent = words ? fill(pattern, measure(words)) : "";
  }

  // the line --------------------------------------------------------------------------------------------------------
  function chance(bytes) {
    return [...crypto.getRandomValues(new Uint8Array(bytes))].map((one) => one.toString(16).padStart(2, "0")).join("");
  }

  // A request that may not have arrived is sent again under the same id: the gateway takes it once.
  async function post(route, fields, signal) {
    for (let tries = 0; ; tries += 1) {
      try {
        const answer = await fetch(told.urls[route], { method: "POST", body: new URLSearchParams(fields), signal });
        if (answer.ok || tries === 2) return answer;
      } catch (error) {
        if (error.name === "AbortError" || tries === 2) throw error;
      }
      await new Promise((done) => setTimeout(done, 500));
    }
  }

  // USSD ------------------------------------------------------------------------------------------------------------
  function show(words, waiting = false) {
    text.textContent = words;
    text.classList.toggle("wait", waiting);
    display.scrollTop = 0;
    if (!waiting) count(words, say.measure);
  }

  function ready() {
    state.session = "";
    show(`${say.ready}\n${say.ready_help}`);
    meter.textContent = "";
    ask(say.dial_label, told.code);
  }

  function ask(name, placeholder = "") {
    label.textContent = name;
    entry.placeholder = placeholder;
    entry.value = "";
  }

  async function exchange(fields) {
    const call = new AbortController();
    state.call = call;
    show(say.waiting, true);
    try {
      const answer = await post("ussd", { id: chance(16), session: state.session, phone: state.caller, ...fields }, call.signal);
      const body = await answer.text();
      if (state.call !== call) return;
      const [, verb, words] = /^(CON|END) ([^]*)$/.exec(body) || [];
      if (!answer.ok || !verb) throw new Error("no screen");
      show(words);
      if (verb === "END") ended();
      else ask(say.reply_label);
    } catch (error) {
      if (state.call !== call) return;
      state.session = "";
      show(say.no_link);
      ask(say.dial_label, told.code);
    } finally {
      if (state.call === call) state.call = null;
    }
  }

  function ended() {
    state.session = "";
    ask(say.dial_label, told.code);
    refresh();
  }

  function dial() {
    const code = entry.value.trim() || told.code;
    const base = told.code.slice(0, -1);
    if (code !== told.code && !(code.startsWith(`${base}*`) && code.endsWith("#"))) {
      show(say.unknown_code);
      ask(say.dial_label, told.code);
      return;
    }
    state.session = chance(16);
    state.caller = number.value;
    entry.value = "";
    exchange({ text: code.slice(base.length + 1, -1), service: code, event: "start" });
  }

  function reply() {
    const words = entry.value.trim();
    if (!words) return;
    entry.value = "";
    exchange({ text: words });
  }

  function hangUp() {
    if (!state.session) return ready();
    const fields = { session: state.session, phone: state.caller };
    if (state.call) state.call.abort();
    state.call = null;
    ready();
    show(say.lost);
    post("ussd-end", fields).then(refresh, () => {});
  }

  // SMS -------------------------------------------------------------------------------------------------------------
  function bubble(words, mine) {
    const item = document.createElement("li");
    item.dir = "auto";
    item.textContent = words;
    if (mine) item.className = "mine";
    thread.append(item);
    display.scrollTop = display.scrollHeight;
  }

  function remember(message) {
    state.messages.push(message);
    sessionStorage.setItem("awal-phone", JSON.stringify({ number: number.value, messages: state.messages, after: state.after }));
  }

  async function textOut() {
    const words = entry.value.trim();
    if (!words) return;
    entry.value = "";
    bubble(words, true);
    remember({ text: words, mine: true });
    try {
      const answer = await post("sms", { id: chance(16), from: number.value, to: told.code.replace(/\D/g, ""), text: words });
      if (!answer.ok) throw new Error("not kept");
      soon(20);
    } catch {
      bubble(say.no_link, false);
    }
  }

  // The inbox is asked often while an answer is due, and now and then otherwise.
  function soon(times) {
    state.poll = times;
    clearTimeout(state.timer);
    state.timer = setTimeout(look, times ? 150 : state.mode === "sms" ? 4000 : 12000);
  }

  async function look() {
    let found = 0;
    if (!document.hidden) {
      try {
        const asked = number.value;
        const answer = await fetch(`${told.urls.inbox}?${new URLSearchParams({ phone: asked, after: state.after })}`);
        if (answer.ok && asked === number.value) found = take((await answer.json()).messages);
      } catch {
        // the gateway is away; the next look will tell
      }
    }
    soon(found ? 0 : Math.max(0, state.poll - 1));
  }

  function take(messages) {
    const fresh = messages.filter((one) => !state.seen.has(one.id));
    for (const one of fresh) {
      state.seen.add(one.id);
      state.after = Math.max(state.after, one.at);
      bubble(one.text, false);
      remember({ text: one.text, mine: false, id: one.id });
    }
    if (fresh.length) {
      if (state.mode === "sms") count(fresh[fresh.length - 1].text, say.measure_sms);
      else state.unread += fresh.length;
      mark();
      refresh();
    }
    return fresh.length;
  }

  function mark() {
    badge.hidden = !state.unread;
    badge.textContent = state.unread;
  }

  // the page --------------------------------------------------------------------------------------------------------
  let due = 0;

  // The figures beside the phone are drawn again by the server; what was unfolded stays so.
  function refresh() {
    clearTimeout(due);
    due = setTimeout(async () => {
      const old = document.getElementById("live");
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
      if (!answer?.ok || !old) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      if (!fresh) return;
      for (const one of old.querySelectorAll("details[open]")) fresh.querySelector(`#${one.id}`)?.setAttribute("open", "");
      old.replaceWith(fresh);
    }, 400);
  }

  function turn(mode) {
    state.mode = mode;
    for (const one of root.querySelectorAll("[data-mode]")) one.setAttribute("aria-pressed", String(one.dataset.mode === mode));
    const sms = mode === "sms";
    text.hidden = sms;
    thread.hidden = !sms;
    chips.hidden = !sms;
    meter.textContent = "";
    if (sms) {
      state.unread = 0;
      mark();
      ask(say.sms_label);
      display.scrollTop = display.scrollHeight;
    } else if (state.session) {
      ask(say.reply_label);
    } else {
      ready();
    }
    soon(0);
    entry.focus({ preventScroll: true });
  }

  function citizen(wanted) {
    if (state.session) hangUp();
    number.value = wanted || `+2126${String(crypto.getRandomValues(new Uint32Array(1))[0] % 1e8).padStart(8, "0")}`;
    Object.assign(state, { messages: [], seen: new Set(), after: 0, unread: 0 });
    thread.replaceChildren();
    sessionStorage.setItem("awal-phone", JSON.stringify({ number: number.value, messages: [], after: 0 }));
    mark();
    turn(state.mode);
  }

  function restore() {
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem("awal-phone"));
    } catch {
      // unreadable: a new citizen then
    }
    if (!kept?.number) return citizen();
    number.value = kept.number;
    Object.assign(state, { messages: kept.messages, after: kept.after, seen: new Set(kept.messages.map((one) => one.id)) });
    for (const one of kept.messages) bubble(one.text, one.mine);
    return soon(0);
  }

  const doing = {
    send: () => (state.mode === "sms" ? textOut() : state.session ? !state.call && reply() : dial()),
    call: () => {
      if (state.mode === "sms") turn("ussd");
      else doing.send();
    },
    "hang-up": () => (state.mode === "sms" ? ask(say.sms_label) : hangUp()),
    erase: () => { entry.value = [...entry.value].slice(0, -1).join(""); typed(); },
    renew: () => citizen(),
  };

  function typed() {
    if (state.mode === "sms") count(entry.value, say.measure_sms);
  }

  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { key, word, mode, do: action } = button.dataset;
    if (key) { entry.value += key; typed(); }
    else if (word) { entry.value = word; textOut(); }
    else if (mode) turn(mode);
    else if (action) doing[action]();
    if (event.detail && matchMedia("(hover: hover)").matches) entry.focus({ preventScroll: true });
  });
  find(".entry").addEventListener("submit", (event) => {
    event.preventDefault();
    doing.send();
  });
  entry.addEventListener("input", typed);
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") doing["hang-up"]();
  });
  number.addEventListener("change", () => {
    const wanted = number.value.replace(/[\s.-]/g, "");
    number.setCustomValidity("");
    number.value = wanted;
    if (number.checkValidity() && wanted) citizen(wanted);
    else { number.setCustomValidity(say.number_wrong); number.reportValidity(); }
  });
  document.addEventListener("visibilitychange", () => document.hidden || soon(1));

  restore();
})();
