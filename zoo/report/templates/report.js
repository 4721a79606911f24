(() => {
  const pages = [...document.querySelectorAll("[data-page]")];
  const overview = pages[0];
  const title = document.title;
  let shown = null;
  let place = 0;

  // Show the page named after "#" in the address, or the page that contains the element of that name.
  function open() {
    const wanted = document.getElementById(location.hash.slice(1));
    const page = (wanted && wanted.closest("[data-page]")) || overview;
    const first = shown === null;
    const back = page === overview && shown !== overview && !first && !opening;
    for (const each of pages) each.classList.toggle("shown", each === page);
    const heading = page.querySelector("h1").lastChild.textContent.trim();
    document.title = page === overview ? title : `${heading} · ${title}`;
    if (!first && page !== shown) {
      const left = back && overview.querySelector(`a[href="#${shown.id}"]`);
      (left || wanted || page).focus({ preventScroll: true });
    }
    if (back) scrollTo(0, place);
    else if (wanted && wanted !== page) wanted.scrollIntoView();
    else if (page !== shown || wanted) scrollTo(0, 0);
    shown = page;
    opening = false;
  }
  // Links scroll to their target; the back button scrolls to where the reader was.
  let opening = false;
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.classList.contains("skip")) {
      event.preventDefault();
      shown.focus();
      return;
    }
    opening = Boolean(link) && link.hash !== location.hash;
    if (link && link.hash === location.hash) open();
  });
  addEventListener("scroll", () => { if (shown === overview && overview.classList.contains("shown")) place = scrollY; }, { passive: true });
  addEventListener("hashchange", open);
  history.scrollRestoration = "manual";
  open();

  // The page in which a latent space is explored is opened when it is asked for, and is as high as what it shows.
  for (const section of document.querySelectorAll(".explorer")) {
    const button = section.querySelector("button");
    button.addEventListener("click", () => {
      const frame = document.createElement("iframe");
      frame.title = `Latent space of ${section.dataset.name}`;
      frame.srcdoc = JSON.parse(section.querySelector("script").textContent);
      frame.addEventListener("load", () => {
        const { body, documentElement } = frame.contentDocument;
        const fit = () => { frame.style.height = `${documentElement.offsetHeight}px`; };
        new frame.contentWindow.ResizeObserver(fit).observe(body);
        fit();
      });
      button.replaceWith(frame);
      frame.focus();
    });
  }

  // Rows without a value come last in either sort order.
  function compare(a, b, numbers) {
    if (a === "" || b === "") return a === b ? 0 : null;
    return numbers ? a - b : a.localeCompare(b, undefined, { numeric: true });
  }
  for (const table of document.querySelectorAll("table.board")) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      const numbers = head.classList.contains("number");
      const value = (row) => row.cells[column].dataset.value;
      const rows = [...body.rows].sort((a, b) => {
        const order = compare(value(a), value(b), numbers);
        return order === null ? (value(a) === "" ? 1 : -1) : sign * order;
      });
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
      body.append(...rows);
    }));
  }
})();
