/* Predict, then be told. Verdicts come from the JSON line of the run in this page; what a reader said stays in the browser. */
(() => {
  const KEY = "predictions";
  const read = () => { try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch { return {}; } };
  const write = (all) => { try { localStorage.setItem(KEY, JSON.stringify(all)); return true; } catch { return false; } };
  const short = (x) => String(+(+x).toPrecision(3)).replace("-", "\u2212");
  /* Value behind keys joined by dots; a key may hold dots, a number may be a place. */
  const get = (value, key) => {
    if (value && !Array.isArray(value) && Object.hasOwn(value, key)) return value[key];
    const dot = key.indexOf("."), word = dot < 0 ? key : key.slice(0, dot);
    const inner = value == null ? undefined : value[word];
    return dot < 0 || inner === undefined ? inner : get(inner, key.slice(dot + 1));
  };
  const interval = (line, key) => {
    const dot = key.indexOf("."), head = dot < 0 ? key : key.slice(0, dot), tail = dot < 0 ? "" : key.slice(dot);
    for (const name of [`${head}_ci${tail}`, key.replace(/\.mean$/, ".ci"), key.replace(/pearson_r$/, "r_ci")]) {
      const ends = get(line, name);
      if (Array.isArray(ends) && ends.length === 2 && typeof ends[0] === "number") return ends;
    }
  };
  const number = (line, word) => (isNaN(word) ? get(line, word) : +word);

  /* -> {right, truth}, or {missing}: kinds of questions, as the promise of a page writes them. */
  const judge = (line, spec, said) => {
    const kind = spec.split(" ", 1)[0], key = spec.slice(kind.length + 1);
    if (kind === "number") {
      const truth = get(line, key), ends = interval(line, key);
      if (typeof truth !== "number") return { missing: key };
      const near = Math.max(0.05, 0.25 * Math.abs(truth));
      const right = ends ? said >= ends[0] && said <= ends[1] : Math.abs(said - truth) <= near;
      const why = ends ? `${short(truth)}, interval ${short(ends[0])} to ${short(ends[1])}` : `${short(truth)}; within ${short(near)} counts`;
      return { right, truth: why };
    }
    if (kind === "order") {
      const found = get(line, key);
      if (!found) return { missing: key };
      const names = Object.keys(found).sort((a, b) => found[b] - found[a]);
      const right = said.every((name, i) => found[name] === found[names[i]]);
      return { right, truth: names.map((n) => `${n} ${short(found[n])}`).join(", ") };
    }
    const [, one, op, other] = key.match(/^(.+) ([<>]) (.+)$/) || [];
    const a = number(line, one), b = number(line, other);
    if (typeof a !== "number" || typeof b !== "number") return { missing: key };
    const truth = op === ">" ? a > b : a < b;
    return { right: (said === "yes") === truth, truth: `${truth ? "yes" : "no"}: ${short(a)} against ${short(b)}` };
  };

  const answerOf = (form, kind) => {
    const fields = [...form.elements.said instanceof Element ? [form.elements.said] : form.elements.said];
    if (kind === "yes") return fields.find((field) => field.checked)?.value;
    if (kind === "number") return fields[0].value.trim() === "" || isNaN(fields[0].value) ? undefined : +fields[0].value;
    const names = fields.map((field) => field.value);
    return names.includes("") || new Set(names).size < names.length ? undefined : names;
  };

  const check = (event) => {
    event.preventDefault();
    const form = event.target, spec = form.dataset.predict, kind = spec.split(" ", 1)[0];
    const verdict = form.querySelector(".verdict"), said = answerOf(form, kind);
    if (said === undefined) {
      verdict.textContent = kind === "order" ? "Put every name in one place first." : "Give an answer first.";
      form.elements.said.focus?.();
      return;
    }
    const line = JSON.parse(document.getElementById("contract").textContent);
    const found = judge(line, spec, said);
    if (found.missing) { verdict.textContent = `The run gave no ${found.missing}.`; return; }
    verdict.textContent = `${found.right ? "Right" : "Not so"}. It came out: ${found.truth}.`;
    form.dataset.verdict = found.right ? "right" : "wrong";
    const all = read(), name = `${form.dataset.page} ${spec}`;
    all[name] ??= { right: found.right, sure: +form.elements.sure.value };  // the first answer counts
    const open = document.querySelectorAll("form[data-predict]:not([data-verdict])").length;
    if (!open) document.querySelector("[data-answer]").classList.remove("hidden");
    if (!write(all)) verdict.textContent += " This browser keeps no answers.";
  };

  for (const form of document.querySelectorAll("form[data-predict]")) {
    form.querySelector("details").hidden = true;
    form.addEventListener("submit", (event) => { check(event); if (form.dataset.verdict) form.querySelector("details").hidden = false; });
  }
  document.querySelector(".predict-first")?.addEventListener("click", () => {
    document.querySelector("[data-answer]").classList.add("hidden");
  });

  /* The last page: of the answers given with so much confidence, how many were right? */
  const table = document.querySelector("#calibration tbody");
  if (!table) return;
  const show = () => {
    const given = Object.values(read()), words = document.getElementById("calibration-words");
    table.replaceChildren(...[50, 60, 70, 80, 90, 100].map((sure) => {
      const own = given.filter((one) => one.sure === sure), right = own.filter((one) => one.right).length;
      const row = document.createElement("tr");
      row.innerHTML = `<th scope="row">${sure} %</th><td>${own.length}</td><td>${right}</td><td>${own.length ? `${Math.round((100 * right) / own.length)} %` : "-"}</td>`;
      return row;
    }));
    if (!given.length) { words.textContent = "You have not answered a question yet."; return; }
    const mean = (f) => given.reduce((sum, one) => sum + f(one), 0) / given.length;
    const sure = mean((one) => one.sure), right = 100 * mean((one) => one.right);
    const brier = mean((one) => (one.sure / 100 - one.right) ** 2);
    const gap = sure - right, way = Math.abs(gap) < 5 ? "about as sure as you were right" : gap > 0 ? "surer than you were right" : "less sure than you were right";
    words.textContent = `Questions answered: ${given.length}. Right: ${right.toFixed(0)} %; you were ${sure.toFixed(0)} % sure on average: ${way}. Brier score: ${brier.toFixed(2)}; 0 is perfect, 0.25 is a coin.`;
  };
  document.getElementById("forget").addEventListener("click", () => { try { localStorage.removeItem(KEY); } catch { /* nothing kept */ } show(); });
  show();
})();
