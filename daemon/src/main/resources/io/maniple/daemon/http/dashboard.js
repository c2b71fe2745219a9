// The dashboard: reads the daemon's data every two seconds and shows it. Whatever comes from clients is set as text.

const EVERY_MS = 2000;
const SVG = "http://www.w3.org/2000/svg";

const at = (id) => document.getElementById(id);
const state = { paused: false, seconds: 30, operator: false, shown: new Map(), open: new Set(), timer: 0, busy: false };

// -- making elements -------------------------------------------------------------------------------------------------

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function shape(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// -- figures for people ----------------------------------------------------------------------------------------------

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function bytes(value) {
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

const rate = (value) => `${(value / 1e9).toFixed(value < 1e10 ? 2 : 1)} GB/s`;
const count = (value) => value.toLocaleString("en");
const percent = (part) => `${Math.round(100 * part)} %`;

function duration(seconds) {
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(seconds < 0.1 ? 1 : 0)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function clock(milliseconds) {
  const day = new Date(milliseconds);
  const time = day.toLocaleTimeString("en-GB");
  return day.toDateString() === new Date().toDateString() ? time : `${day.toISOString().slice(0, 10)} ${time}`;
}

/** The end of a path, which tells files apart; all of it as a tooltip. */
function source(text) {
  if (!text) return element("span", { class: "quiet" }, "not known");
  const parts = text.split("/");
  const short = parts.length > 2 ? `…/${parts.slice(-2).join("/")}` : text;
  return element("span", { class: "source", title: text }, short);
}

function bar(part) {
  const inner = element("span");
  inner.style.inlineSize = `${Math.min(100, 100 * part)}%`;
  return element("span", { class: part >= 0.9 ? "bar full" : "bar", "aria-hidden": "true" }, inner);
}

// -- tables ----------------------------------------------------------------------------------------------------------

/** @param columns [title, "number" or "", row → content] */
function table(caption, columns, rows, empty, more = () => null) {
  if (rows.length === 0) return element("p", { class: "empty" }, empty);
  const head = columns.map(([title, kind]) => element("th", { scope: "col", class: kind }, title));
  const body = element("tbody");
  for (const row of rows) {
    const cells = columns.map(([title, kind, content]) =>
      element("td", { class: kind, ...(title ? { "data-label": title } : {}) }, content(row)));
    const detail = more(row);
    body.append(element("tr", { class: detail ? "parent" : "", ...(row.id ? { "data-id": row.id } : {}) }, ...cells));
    if (detail) body.append(element("tr", { class: "detail" }, element("td", { colspan: columns.length, class: "wide" }, detail)));
  }
  return element(
    "table", { class: "rows" },
    element("caption", { class: "hidden" }, caption), element("thead", {}, element("tr", {}, ...head)), body,
  );
}

/** Puts something into its place, unless it has not changed: what somebody reads or has chosen stays. */
function show(id, data, make) {
  const text = JSON.stringify(data);
  const place = at(id);
  if (state.shown.get(id) === text) return;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  state.shown.set(id, text);
  place.replaceChildren(...[make(data)].flat());
  if (focused) place.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

// -- tiles -----------------------------------------------------------------------------------------------------------

function tile(key, title, figure, note, part) {
  return element(
    "div", { class: "tile", id: `tile-${key}` },
    element("dt", {}, title),
    element("dd", {}, element("span", { class: "figure" }, figure), part === undefined ? null : bar(part)),
    element("dd", { class: "note" }, note),
  );
}

function tiles({ overview, throughput }) {
  const seconds = throughput.bytes_per_second.slice(-10);
  const moved = seconds.reduce((sum, one) => sum + one, 0) / seconds.length;
  const busy = throughput.busy.slice(-10).reduce((sum, one) => sum + one, 0) / seconds.length;
  const machine = throughput.machine_bytes_per_second;
  const shown = [
    tile("sessions", "Sessions", `${overview.sessions} of ${overview.sessions_limit}`,
      `${overview.sessions_connected} connected`, overview.sessions / overview.sessions_limit),
    tile("memory", "Memory for arrays", bytes(overview.memory_used),
      `of ${bytes(overview.memory_limit)}${overview.spilled ? `, ${bytes(overview.spilled)} on disk` : ""}`, overview.memory_used / overview.memory_limit),
    tile("throughput", "Throughput, last 10 s", rate(moved),
      machine ? `${percent(moved / machine)} of the memory’s ${rate(machine)}` : "measuring the memory…",
      machine ? moved / machine : undefined),
    tile("busy", "Computing, last 10 s", percent(busy), `${overview.threads} threads, engine ${overview.engine}`, busy),
    tile("pending", "Batches pending", count(overview.batches_pending), `up ${duration(overview.uptime_seconds)}`),
  ];
  if (overview.gpu) {
    shown.push(tile("gpu", "Memory of the GPU", bytes(overview.gpu_memory_used),
      `of ${bytes(overview.gpu_memory_limit)}, ${count(overview.gpu_launches)} kernels, ${bytes(overview.gpu_uploaded)} there, `
      + `${bytes(overview.gpu_downloaded)} back${overview.gpu_evictions ? `, ${count(overview.gpu_evictions)} arrays moved out` : ""}`,
      overview.gpu_memory_used / overview.gpu_memory_limit));
  }
  if (overview.operator) {
    shown.push(tile("errors", "Errors since the start", count(overview.errors),
      `${count(overview.batches)} batches, ${count(overview.kernels)} kernels`));
  }
  return shown;
}

// -- throughput ------------------------------------------------------------------------------------------------------

function niceStep(most) {
  const raw = most / 3;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= raw);
}

function throughputChart({ throughput, width }) {
  const height = 190;
  const [left, right, top, low] = [56, 12, 14, 40];
  const values = throughput.bytes_per_second.map((one) => one / 1e9);
  const machine = (throughput.machine_bytes_per_second ?? 0) / 1e9;
  const most = Math.max(1, machine, ...values) * 1.12;
  const x = (index) => left + ((width - left - right) * index) / Math.max(1, values.length - 1);
  const y = (value) => top + (height - top - low) * (1 - value / most);
  const parts = [];
  const step = niceStep(most);
  for (let mark = 0; mark <= most; mark += step) {
    parts.push(shape("line", { class: "grid", x1: left, x2: width - right, y1: y(mark), y2: y(mark) }));
    parts.push(shape("text", { x: left - 8, y: y(mark) + 4, "text-anchor": "end" }, `${+mark.toFixed(2)}`));
  }
  parts.push(shape("text", { x: left - 8, y: height - low + 19, "text-anchor": "end" }, "busy"));
  throughput.busy.forEach((part, index) => {
    if (part > 0) {
      const tall = Math.max(1, 14 * part);
      parts.push(shape("rect", {
        class: "busy", x: x(index) - 1.5, y: height - low + 22 - tall, width: 3, height: tall }));
    }
  });
  const line = values.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  parts.push(shape("polygon", { class: "area", points: `${left},${y(0)} ${line} ${x(values.length - 1)},${y(0)}` }));
  parts.push(shape("polyline", { class: "curve", points: line }));
  if (machine) {
    parts.push(shape("line", { class: "machine", x1: left, x2: width - right, y1: y(machine), y2: y(machine) }));
    parts.push(shape("text", { class: "machine-text", x: width - right, y: y(machine) - 5, "text-anchor": "end" },
      `memory: ${machine.toFixed(1)} GB/s`));
  }
  const ago = values.length;
  for (const part of width < 500 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]) {
    const anchor = part === 0 ? "start" : part === 1 ? "end" : "middle";
    parts.push(shape("text", { x: x(part * (values.length - 1)), y: height - 4, "text-anchor": anchor },
      part === 1 ? "now" : `${Math.round(ago * (1 - part))} s ago`));
  }
  const peak = Math.max(...values);
  return shape("svg", {
    viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Gigabytes a second over the last ${ago} seconds: ${values.at(-1).toFixed(2)} now, `
      + `${peak.toFixed(2)} at most${machine ? `; the memory gives ${machine.toFixed(1)}` : ""}.`,
  }, ...parts);
}

// -- sessions --------------------------------------------------------------------------------------------------------

function buffers(session) {
  const key = `buffers-${session.id}`;
  const summary = element("summary", { "data-key": key },
    session.buffers.length === 0 ? "No arrays" : `Largest arrays (${session.buffers.length})`);
  const details = element("details", {
    ontoggle: (event) => (event.target.open ? state.open.add(session.id) : state.open.delete(session.id)),
  }, summary, table(`Largest arrays of session ${session.id}`, [
    ["Array", "", (one) => element("code", {}, one.content || `buffer ${one.handle}`)],
    ["Memory", "number", (one) => bytes(one.bytes)],
    ["Written at", "", (one) => source(one.source)],
  ], session.buffers, "This session holds no arrays."));
  details.open = state.open.has(session.id);
  return details;
}

async function endSession(session) {
  at("confirm-text").textContent =
    `End session ${session.id} of ${session.user}? Its program gets an error, and its arrays here are lost.`;
  const dialog = at("confirm");
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue === "yes") {
    await fetch(`/api/sessions/${encodeURIComponent(session.id)}/close`, { method: "POST" });
    refresh();
  }
}

function sessionsTable({ sessions }) {
  return table("Sessions", [
    ["Session", "", (one) => element("code", {}, one.id)],
    ["User", "", (one) => one.user],
    ["Client", "", (one) => one.client],
    ["Connected", "", (one) => element("span", { class: one.connected ? "yes" : "no" }, one.connected ? "yes" : "away")],
    ["Memory", "number", (one) => element("span", { "data-value": one.memory_bytes },
      `${bytes(one.memory_bytes)} of ${bytes(one.memory_limit)}${one.spilled_bytes ? `, ${bytes(one.spilled_bytes)} on disk` : ""}`, bar(one.memory_bytes / one.memory_limit))],
    ["Pending", "number", (one) => count(one.batches_pending)],
    ["Calls", "number", (one) => count(one.calls)],
    ["Opened", "", (one) => clock(one.opened)],
    ["", "actions", (one) => element("span", {},
      element("a", { href: `/api/sessions/${one.id}/timeline`, download: "", "data-key": `file-${one.id}`,
        title: "For ui.perfetto.dev or chrome://tracing" }, "Timeline file"),
      element("button", { type: "button", class: "danger", "data-key": `end-${one.id}`,
        "aria-label": `End session ${one.id}`, onclick: () => endSession(one) }, "End"))],
  ], sessions, "Nobody is connected.", buffers);
}

// -- timeline --------------------------------------------------------------------------------------------------------

function lanes({ timeline, width }) {
  const names = [...new Set(timeline.steps.map((step) => step.session))].sort();
  if (names.length === 0) return element("p", { class: "empty" }, `Nothing was computed in the last ${duration(timeline.seconds)}.`);
  const [left, right, row] = [width < 500 ? 66 : 130, 12, 30];
  const height = names.length * row + 22;
  const end = timeline.time;
  const begin = end - 1000 * timeline.seconds;
  const x = (moment) => left + ((width - left - right) * (Math.max(begin, moment) - begin)) / (end - begin);
  const parts = [];
  const users = new Map(timeline.steps.map((step) => [step.session, step.user]));
  const fits = width < 500 ? 0 : 9;
  names.forEach((name, index) => {
    const user = users.get(name);
    const shortUser = user.length > fits ? `${user.slice(0, Math.max(0, fits - 1))}…` : user;
    parts.push(shape("rect", { class: "lane", x: left, y: index * row + 3, width: width - left - right, height: row - 6, rx: 3 }));
    parts.push(shape("text", { x: 0, y: index * row + 19 }, fits ? `${name} ${shortUser}` : name));
  });
  const mark = (name, from, milliseconds, style, title, inset) => {
    const start = x(from);
    const index = names.indexOf(name);
    if (index >= 0) {
      parts.push(shape("rect", {
        class: style, x: start.toFixed(2), y: index * row + 3 + inset, height: row - 6 - 2 * inset,
        width: Math.max(1, x(from + milliseconds) - start).toFixed(2),
      }, shape("title", {}, title)));
    }
  };
  for (const batch of timeline.batches) {
    if (batch.planned) {
      mark(batch.session, batch.begin, batch.plan_milliseconds, "plan",
        `plan of batch ${batch.number}, ${duration(batch.plan_milliseconds / 1e3)}`, 7);
    }
  }
  for (const step of timeline.steps) {
    mark(step.session, step.begin, step.milliseconds, step.failed ? "failed" : step.kind,
      `${step.name}\n${step.source || "line not known"}\n${duration(step.milliseconds / 1e3)}, `
      + `${count(step.elements)} elements, ${rate((step.bytes / Math.max(1e-6, step.milliseconds)) * 1e3)}`, 2);
  }
  for (const part of [0, 0.5, 1]) {
    const anchor = part === 0 ? "start" : part === 1 ? "end" : "middle";
    parts.push(shape("text", { x: left + (width - left - right) * part, y: height - 4, "text-anchor": anchor },
      part === 1 ? "now" : `${duration(timeline.seconds * (1 - part))} ago`));
  }
  return shape("svg", {
    viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `What ${names.length} sessions computed in the last ${duration(timeline.seconds)}; the table below has the same, summed up.`,
  }, ...parts);
}

function workTable({ steps }) {
  const groups = new Map();
  for (const step of steps) {
    const key = `${step.name}\n${step.source}\n${step.user}`;
    const group = groups.get(key) ?? { ...step, runs: 0, seconds: 0, moved: 0 };
    group.runs++;
    group.seconds += step.milliseconds / 1e3;
    group.moved += step.bytes;
    groups.set(key, group);
  }
  const rows = [...groups.values()].sort((one, other) => other.seconds - one.seconds).slice(0, 10);
  return table("Kernels of the timeline, the most costly first", [
    ["What", "", (one) => element("span", {}, element("span", { class: `swatch ${one.kind}`, title: one.kind }), one.name)],
    ["Line", "", (one) => source(one.source)],
    ["User", "", (one) => one.user],
    ["Runs", "number", (one) => count(one.runs)],
    ["Time", "number", (one) => duration(one.seconds)],
    ["Speed", "number", (one) => rate(one.moved / Math.max(1e-9, one.seconds))],
  ], rows, "");
}

// -- errors, fallbacks, users ----------------------------------------------------------------------------------------

/** Equal ones as one, with the time of the last. */
function grouped(errors) {
  const groups = new Map();
  for (const error of errors) {
    const key = [error.session, error.user, error.status, error.message, error.source].join("\n");
    const group = groups.get(key);
    if (group) group.times++;
    else groups.set(key, { ...error, times: 1 });
  }
  return [...groups.values()];
}

const errorsTable = ({ errors }) => table("Recent errors, newest first", [
  ["Last", "", (one) => clock(one.time)],
  ["Times", "number", (one) => count(one.times)],
  ["Session", "", (one) => (one.session ? element("code", {}, one.session) : element("span", { class: "quiet" }, "none"))],
  ["User", "", (one) => one.user || element("span", { class: "quiet" }, "not known")],
  ["Status", "", (one) => element("span", { class: "status" }, one.status)],
  ["Message", "", (one) => one.message],
  ["Line", "", (one) => source(one.source)],
], grouped(errors), "None since the start.");

const fallbacksTable = ({ fallbacks }) => table("Functions left to NumPy, the most costly first", [
  ["Function", "", (one) => element("code", {}, one.function)],
  ["Reason", "", (one) => one.reason || "not deferred"],
  ["First at", "", (one) => source(one.source)],
  ["Calls", "number", (one) => element("span", { "data-value": one.calls }, count(one.calls))],
  ["Elements", "number", (one) => count(one.elements)],
  ["Time", "number", (one) => duration(one.seconds)],
], fallbacks, "Nothing yet.");

const usersTable = ({ users }) => table("Users and quotas", [
  ["User", "", (one) => one.name],
  ["Role", "", (one) => one.role],
  ["Sessions", "number", (one) => `${one.sessions} of ${one.sessions_limit}`],
  ["Memory of all", "number", (one) => `${bytes(one.memory_bytes)} of ${bytes(one.memory_limit)}`],
  ["Most of one session", "number", (one) => bytes(one.session_memory_limit)],
  ["Batches", "number", (one) => `${one.batches_pending} of ${count(one.queued_limit)}`],
  ["Idle", "number", (one) => `${duration(one.idle_limit_seconds)} at most`],
], users, "");

// -- refreshing ------------------------------------------------------------------------------------------------------

async function get(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (answer.status === 401) {
    location.assign("/login");
    throw new Error("logged out");
  }
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

function tell(mark, text) {
  at("state-mark").className = `mark ${mark}`;
  if (at("state-text").textContent !== text) at("state-text").textContent = text;
}

async function refresh() {
  if (state.busy) return;
  state.busy = true;
  try {
    const [overview, sessions, users, throughput, timeline, errors, fallbacks] = await Promise.all([
      get("/api/overview"), get("/api/sessions"), get("/api/users"), get("/api/throughput?seconds=120"),
      get(`/api/timeline?seconds=${state.seconds}&most=2000`), get("/api/errors?most=200"), get("/api/fallbacks?most=50"),
    ]);
    at("version").textContent = overview.version;
    at("user").textContent = `${overview.user}, ${overview.operator ? "operator" : "user"}`;
    const width = Math.max(280, Math.floor(at("throughput").clientWidth));
    show("tiles", { overview, throughput }, tiles);
    show("throughput", { throughput, width }, throughputChart);
    show("sessions", sessions, sessionsTable);
    show("lanes", { timeline, width }, lanes);
    show("work", { steps: timeline.steps }, workTable);
    show("errors", errors, errorsTable);
    show("fallbacks", fallbacks, fallbacksTable);
    show("users", users, usersTable);
    at("throughput-text").textContent = overview.operator
      ? "Bytes that kernels read and wrote each second, beside what the memory gives when all threads copy."
      : "Bytes that your kernels read and wrote each second, beside what the memory gives when all threads copy.";
    tell("good", `Updated ${clock(overview.time)}`);
    document.body.dataset.updated = overview.time;
  } catch (error) {
    tell("bad", `No answer (${error.message}); trying again`);
  } finally {
    state.busy = false;
  }
}

function schedule() {
  clearInterval(state.timer);
  if (!state.paused && !document.hidden) {
    refresh();
    state.timer = setInterval(refresh, EVERY_MS);
  }
}

at("pause").addEventListener("click", (event) => {
  state.paused = !state.paused;
  event.target.setAttribute("aria-pressed", state.paused);
  event.target.textContent = state.paused ? "Go on" : "Pause";
  if (state.paused) tell("", "Paused");
  schedule();
});
at("timeline-seconds").addEventListener("change", (event) => {
  state.seconds = Number(event.target.value);
  refresh();
});
document.addEventListener("visibilitychange", schedule);
addEventListener("resize", () => refresh());
schedule();
