/* Two results with sliders: numbers stand in the page, pictures are drawn here. Without this script there are figures. */
(() => {
  const NS = "http://www.w3.org/2000/svg", RIGHT = 28;
  let LEFT = 140, W = 640;  // as wide as there is room, so that words keep their size
  const add = (parent, kind, attributes, text = "") => {
    const made = parent.appendChild(document.createElementNS(NS, kind));
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
  };
  const picture = (box, height, words) => {
    const svg = document.createElementNS(NS, "svg");
    W = Math.max(280, Math.min(640, box.querySelector(".explore-picture").clientWidth));
    svg.setAttribute("viewBox", `0 0 ${W} ${height}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", words);
    box.querySelector(".explore-picture").replaceChildren(svg);
    box.querySelector("[role=status]").textContent = words;
    return svg;
  };
  const axis = (svg, x, ticks, y, title) => {
    for (const tick of ticks) {
      add(svg, "line", { x1: x(tick), x2: x(tick), y1: y, y2: y + 5, stroke: "currentColor" });
      add(svg, "text", { x: x(tick), y: y + 20, "text-anchor": "middle" }, tick.toLocaleString("en"));
    }
    add(svg, "text", { x: (LEFT + W - RIGHT) / 2, y: y + 40, "text-anchor": "middle" }, title);
  };
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const signed = (value) => (value < 0 ? "\u2212" : "+") + Math.abs(value).toFixed(2);

  const labels = (box, { budgets, chance, accuracy }) => {
    const people = box.querySelector("[name=people]"), draw = box.querySelector("[name=draw]");
    people.max = budgets.length - 1;
    draw.max = accuracy.length;
    const show = () => {
      const at = +people.value, own = +draw.value - 1, names = Object.keys(accuracy[0]);
      const values = (name) => accuracy.map((one) => one[name][at]);
      const gains = accuracy.map((one) => one["full-finetune"][at] - one["from-scratch"][at]);
      const words = `Labelled people: ${budgets[at]}. Full fine-tuning is above from-scratch in ${gains.filter((gain) => gain > 0).length} of ${gains.length} draws, by ${signed(mean(gains))} on average; in draw ${own + 1} by ${signed(gains[own])}.`;
      const height = 44 * names.length + 60, svg = picture(box, height, words);
      LEFT = 140;
      const x = (value) => LEFT + ((value - 0.4) / 0.6) * (W - LEFT - RIGHT);
      people.setAttribute("aria-valuetext", `${budgets[at]} people`);
      add(svg, "line", { x1: x(chance), x2: x(chance), y1: 0, y2: height - 55, stroke: "currentColor", "stroke-dasharray": "4 4" });
      names.forEach((name, row) => {
        const y = 44 * row + 22, all = values(name);
        add(svg, "text", { x: LEFT - 12, y: y + 5, "text-anchor": "end" }, name);
        all.forEach((value, number) => add(svg, "circle", { cx: x(value), cy: y, r: number === own ? 7 : 4, class: number === own ? "own" : "other" }));
        add(svg, "line", { x1: x(mean(all)), x2: x(mean(all)), y1: y - 14, y2: y + 14, stroke: "currentColor", "stroke-width": 3 });
      });
      axis(svg, x, W < 450 ? [0.4, 0.6, 0.8, 1] : [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1], height - 55, "accuracy");
    };
    for (const input of [people, draw]) input.addEventListener("input", show);
    show();
  };

  const luck = (box, { people, runs, best }) => {
    const n = box.querySelector("[name=people]"), k = box.querySelector("[name=runs]");
    n.max = people.length - 1;
    k.max = runs.length - 1;
    const show = () => {
      const own = best[+n.value], at = +k.value, top = best[0][runs.length - 1];
      const words = `${runs[at].toLocaleString("en")} useless runs on ${people[+n.value].toLocaleString("en")} test people: the best has r = ${own[at].toFixed(2)} on average.`;
      const svg = picture(box, 280, words), y = (value) => 230 - (value / top) * 215;
      LEFT = 50;
      const x = (count) => LEFT + (Math.log10(count) / 4) * (W - LEFT - RIGHT);
      n.setAttribute("aria-valuetext", `${people[+n.value]} people`);
      k.setAttribute("aria-valuetext", `${runs[at]} runs`);
      for (const r of [0, 0.2, 0.4, 0.6, 0.8].filter((value) => value <= top)) {
        add(svg, "line", { x1: LEFT, x2: W - RIGHT, y1: y(r), y2: y(r), stroke: "currentColor", opacity: 0.25 });
        add(svg, "text", { x: LEFT - 12, y: y(r) + 5, "text-anchor": "end" }, r.toFixed(1));
      }
      add(svg, "text", { x: 8, y: 12 }, "expected r");
      best.forEach((row, number) => add(svg, "polyline", { points: row.map((value, i) => `${x(runs[i])},${y(value)}`).join(" "), class: number === +n.value ? "line own" : "line other" }));
      add(svg, "circle", { cx: x(runs[at]), cy: y(own[at]), r: 7, class: "own" });
      axis(svg, x, [1, 10, 100, 1000, 10000], 230, "runs");
    };
    for (const input of [n, k]) input.addEventListener("input", show);
    show();
  };

  for (const box of document.querySelectorAll(".explore")) {
    box.hidden = false;
    const { labels: one, luck: other } = box.dataset;
    if (one) labels(box, JSON.parse(one));
    else luck(box, JSON.parse(other));
  }
})();
