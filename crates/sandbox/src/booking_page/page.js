// What the visitor does, step by step: choose, see free times, book, and see what became of it.
//
// Whatever comes from outside is inserted as text, never as HTML.

const COUNTRIES = `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV
  BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
  FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
  KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU
  MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB
  SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY
  UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW`.split(/\s+/);

// Of days, today included, that are shown unless the visitor says otherwise.
const DAYS_AHEAD = 7;

// For how long Pipedrive is watched, and how often it is looked at, in milliseconds.
const PATIENCE = 60_000;
const INTERVAL = 400;

// Where a value is entered that Hermes calls by another name.
const ENTERED_AS = { country_code: "country", plan: "price_plan", start_dt: "from", end_dt: "to", meeting_dt: "slots" };

// What Hermes says when the time itself is the matter.
const NOT_FREE = "Admin is not free at this time.";
const BOOKED_ALREADY = "You already have a meeting booked around this time.";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const day = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const moment = (iso) => `${day.format(new Date(iso))} at ${time.format(new Date(iso))} (${zone})`;

const it = (id) => document.getElementById(id);
const [choose, times, book] = ["choose", "times", "book"].map(it);

// Who takes the call. An answer that comes when the visitor has chosen anew (`turn`) is not for them any more.
let salesPerson = null;
let turn = 0;

const query = new URLSearchParams(location.search);
fillIn();
const { hermes_url: hermes } = await (await fetch("/config.json")).json();

on(choose, findSomebody);
on(times, showTimes);
on(book, bookTheCall);
choose.addEventListener("input", () => {
  turn += 1;
  salesPerson = null;
  times.hidden = book.hidden = true;
});
document.documentElement.dataset.ready = "true";
if (query.has("price_plan")) choose.requestSubmit();

// Countries, a place for what is wrong beside each field, and the values to begin with.
function fillIn() {
  const names = new Intl.DisplayNames(["en"], { type: "region" });
  const countries = COUNTRIES.map((code) => ({ code, name: names.of(code) }));
  countries.sort((one, other) => one.name.localeCompare(other.name));
  it("country").append(...countries.map(({ code, name }) => new Option(name, code)));
  for (const field of document.querySelectorAll(".field")) {
    const input = field.querySelector("input, select");
    const error = element("span", { className: "error", id: `${input.id}-error` });
    input.setAttribute("aria-describedby", error.id);
    input.addEventListener("input", () => mark(input, ""));
    field.append(error);
  }
  const today = new Date();
  const last = new Date(today);
  last.setDate(today.getDate() + DAYS_AHEAD - 1);
  it("country").value = "GB";
  it("from").value = written(today);
  it("to").value = written(last);
  for (const [name, value] of query) {
    const input = [choose, times, book].map((form) => form.elements.namedItem(name)).find(Boolean);
    if (input) input.value = value;
  }
}

async function findSomebody() {
  const mine = turn;
  const { country, price_plan: plan } = values(choose);
  const path = `/choose-roundrobin/sales/?${new URLSearchParams({ plan, country_code: country })}`;
  const answer = await ask(path);
  if (mine !== turn) return;
  if (answer.status === 404) return tell("choose", "Nobody takes calls about this plan at the moment.");
  if (answer.status !== 200) return refuse("choose", answer);
  salesPerson = answer.body;
  it("sales-person").textContent = `${salesPerson.first_name ?? ""} ${salesPerson.last_name ?? ""}`.trim();
  times.hidden = false;
  times.requestSubmit();
}

async function showTimes() {
  const mine = turn;
  const { from, to } = values(times);
  const end = new Date(`${to}T00:00`);
  end.setDate(end.getDate() + 1);
  const range = { start_dt: new Date(`${from}T00:00`).toISOString(), end_dt: end.toISOString() };
  say("times-status", "Looking for free times …");
  const answer = await ask(`/callbooker/availability/?${new URLSearchParams({ admin_id: salesPerson.id, ...range })}`);
  if (mine !== turn) return;
  const slots = answer.status === 200 ? answer.body.slots : [];
  it("slots").replaceChildren(...byDay(slots));
  book.hidden = slots.length === 0;
  say("times-status", "");
  if (answer.status !== 200) return refuse("times", answer);
  say(
    "times-status",
    slots.length === 0
      ? "Nothing is free on these days. Please try others."
      : `${slots.length} free ${slots.length === 1 ? "time" : "times"}, in your time zone: ${zone}.`,
  );
}

// A group of choices for each day of the visitor's calendar.
function byDay(slots) {
  const days = new Map();
  for (const [start] of slots) {
    const title = day.format(new Date(start));
    if (!days.has(title)) {
      const group = element("fieldset", { className: "day" });
      group.append(element("legend", { textContent: title }), element("div"));
      days.set(title, group);
    }
    const choice = element("input", { type: "radio", name: "meeting_dt", value: start });
    // It is shown among the times, and sent with what is entered below.
    choice.setAttribute("form", "book");
    choice.addEventListener("change", () => say("times-error", ""));
    const slot = element("label", { className: "slot" });
    slot.append(choice, element("span", { textContent: time.format(new Date(start)) }));
    days.get(title).lastChild.append(slot);
  }
  return days.values();
}

async function bookTheCall() {
  const { phone, website, ...entered } = values(book);
  if (!entered.meeting_dt) return tell("times", "Please choose a time.");
  const call = { admin_id: salesPerson.id, ...values(choose), ...entered };
  const extras = { phone, website };
  for (const name of ["company_id", "bdr_person_id", "utm_campaign", "utm_source"]) extras[name] = query.get(name);
  for (const [name, value] of Object.entries(extras)) if (value) call[name] = value;
  for (const name of ["company_id", "bdr_person_id"]) if (/^\d+$/.test(call[name])) call[name] = Number(call[name]);

  const answer = await ask("/callbooker/sales/book/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(call),
  });
  if (answer.status === 200) return showWhatBecameOfIt(call);
  const message = answer.body?.message;
  if (answer.status === 400 && message === NOT_FREE) {
    await showTimes();
    tell("times", `${it("sales-person").textContent} is not free at this time any more. Please choose another one.`);
  } else if (answer.status === 400 && message === BOOKED_ALREADY) {
    tell("times", `${message} Please choose one at least two hours before or after it.`);
  } else {
    refuse("book", answer);
  }
}

async function showWhatBecameOfIt({ email, meeting_dt: start }) {
  for (const form of [choose, times, book]) form.hidden = true;
  it("booked").hidden = false;
  it("booked-title").focus();
  say("booked-when", `You will talk to ${it("sales-person").textContent} on ${moment(start)}.`);
  const places = new Map();
  for (const [name, title] of [
    ["event", "Event in Google Calendar"],
    ["organization", "Organization in Pipedrive"],
    ["person", "Person in Pipedrive"],
    ["deal", "Deal in Pipedrive"],
    ["activity", "Activity in Pipedrive"],
  ]) {
    const card = element("section", { className: "card waiting", id: `card-${name}` });
    card.append(element("h3", { textContent: title }), element("p", { textContent: "Not there yet." }));
    places.set(name, card);
    it("cards").append(card);
  }
  say("booked-status", "Waiting until Pipedrive holds everything …");
  const call = new URLSearchParams({ email, start });
  const missing = new Set(places.keys());
  let trouble = "";
  for (const started = Date.now(); Date.now() - started < PATIENCE; await pause(INTERVAL)) {
    const looks = await Promise.all([look(`/calendar-event?${call}`), look(`/crm?${call}`)]);
    trouble = looks.map((found) => found.error ?? "").join(" ").trim();
    const found = Object.assign({}, ...looks);
    for (const [name, card] of places) {
      if (!found[name]) continue;
      show(card, found[name]);
      missing.delete(name);
    }
    if (missing.size === 0) return say("booked-status", "Google and Pipedrive hold everything.");
  }
  const still = `Still missing after ${PATIENCE / 1000} seconds: ${[...missing].join(", ")}.`;
  say("booked-status", `${still} ${trouble || "“hermes status” tells what stands in the way."}`);
}

function show(card, { title, page, facts }) {
  const list = element("dl");
  for (const { name, text, moment: at, link } of facts) {
    const value = element("dd", { textContent: at ? moment(at) : (text ?? "") });
    if (link) value.append(linkTo(link, link));
    list.append(element("dt", { textContent: name }), value);
  }
  const name = element("p");
  name.append(linkTo(page, title));
  card.replaceChildren(card.firstChild, name, list);
  card.classList.remove("waiting");
}

function linkTo(address, text) {
  const link = element("a", { textContent: text, target: "_blank", rel: "noopener" });
  if (/^https?:\/\//.test(address)) link.href = address;
  return link;
}

// Submitting a form does this, once at a time, and only with values that can make sense.
function on(form, deed) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    say(`${form.id}-error`, "");
    say("times-error", "");
    const inputs = [...form.querySelectorAll(".field input, .field select")];
    for (const input of inputs) mark(input, input.validationMessage);
    const wrong = inputs.find((input) => !input.validity.valid);
    if (wrong) return wrong.focus();
    button.disabled = true;
    form.setAttribute("aria-busy", "true");
    try {
      await deed();
    } finally {
      button.disabled = false;
      form.removeAttribute("aria-busy");
    }
  });
}

// What Hermes answers. Status 0: nothing.
async function ask(path, options) {
  try {
    const answer = await fetch(hermes + path, options);
    return { status: answer.status, body: await answer.json().catch(() => null) };
  } catch {
    return { status: 0, body: null };
  }
}

// What the sandbox's other servers hold.
async function look(path) {
  try {
    return await (await fetch(path)).json();
  } catch {
    return { error: "The server of this page does not answer." };
  }
}

// Says why Hermes has refused something: beside the fields it is about, or else below the form.
function refuse(form, { status, body }) {
  const detail = body?.detail;
  if (status === 422 && Array.isArray(detail)) {
    const rest = [];
    for (const { loc, msg } of detail) {
      const name = String(loc.at(-1));
      const field = it(ENTERED_AS[name] ?? name);
      if (field?.id === "slots") tell("times", sentence(msg));
      else if (field?.closest(".field")) mark(field, sentence(msg));
      else rest.push(sentence(`${name}: ${msg}`));
    }
    document.querySelector("[aria-invalid=true]")?.focus();
    return tell(form, ["Some of this cannot be accepted.", ...rest].join(" "));
  }
  const said = body?.message ?? detail;
  if (status === 0) tell(form, `Hermes cannot be reached at ${hermes}. Is it still running?`);
  else if (typeof said === "string") tell(form, sentence(said));
  else tell(form, `Hermes answered with status ${status}. Please try again.`);
}

function tell(form, text) {
  const place = it(`${form}-error`);
  place.textContent = text;
  place.scrollIntoView({ block: "nearest" });
}

function say(id, text) {
  it(id).textContent = text;
}

// Shows what is wrong with a field; nothing, when nothing is.
function mark(input, fault) {
  it(`${input.id}-error`).textContent = fault;
  if (fault) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function values(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
}

function sentence(text) {
  const trimmed = text.trim();
  const end = /[.!?]$/.test(trimmed) ? "" : ".";
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + end;
}

// A day of the visitor's calendar as a date field holds it.
function written(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function element(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

function pause(milliseconds) {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}
