(() => {
  const form = document.forms[0], told = form.querySelector("output"), texts = form.dataset;
  const waiting = new Set();
  let timer, fading, busy = false, over = false;
  const tell = (text, passing) => {
    clearTimeout(fading);
    told.textContent = text;
    if (passing) fading = setTimeout(() => (told.textContent = ""), 3000);
  };
  const wrong = (number, text) => {
    const place = document.getElementById("q" + number);
    let said = document.getElementById("e" + number);
    if (!text) return said && said.remove();
    if (!said) {
      said = document.createElement("p");
      said.id = "e" + number;
      said.className = "wrong";
      place.append(said);
    }
    said.textContent = texts.error + text;
  };
  const later = (time) => {
    clearTimeout(timer);
    timer = setTimeout(save, time);
  };
  const save = async () => {
    clearTimeout(timer);
    if (busy || over || !waiting.size) return;
    const sent = [...waiting], all = new FormData(form), body = new URLSearchParams({ do: "keep" });
    for (const number of sent)
      for (const name of ["a" + number, "c" + number]) if (all.has(name)) body.set(name, all.get(name));
    waiting.clear();
    busy = true;
    tell(texts.saving);
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body,
        keepalive: String(body).length < 60000, // browsers refuse more than 64 KiB that outlives the page
      });
      if (answer.status === 410) {
        over = true;
        return location.reload();
      }
      const refused = answer.status === 422 ? await answer.json() : {};
      if (answer.status !== 204 && answer.status !== 422) throw answer;
      const fine = sent.filter((number) => !refused[number]);
      for (const number of sent) wrong(number, refused[number]);
      if (answer.status === 422) for (const number of fine) waiting.add(number);
      tell(answer.status === 204 ? "✓ " + texts.saved : "", true);
      busy = false;
      if (waiting.size) later(0);
    } catch {
      for (const number of sent) waiting.add(number);
      tell(texts.failed);
      busy = false;
      later(4000);
    }
  };
  form.addEventListener("input", ({ target }) => {
    if (!/^[ac]\d+$/.test(target.name)) return;
    waiting.add(target.name.slice(1));
    later(target.type === "radio" ? 150 : 800);
  });
  form.addEventListener("change", () => later(150));
  form.addEventListener("submit", () => {
    over = true;
    clearTimeout(timer);
  });
  addEventListener("pageshow", () => (over = false));
  addEventListener("online", save);
  addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", () => document.hidden && save());
  document.documentElement.className = "script";
})();
