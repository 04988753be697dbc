// What tests ask of a page: each function gets the elements that show turns and gives what is wrong.
({
  // What content may never become, wherever it stands.
  harm(roots) {
    const elements = "script,iframe,object,embed,svg,math,form,video,audio,link,meta,base,template,noscript,textarea";
    const wrong = ({name, value}) =>
      /^on|^data-commandlinker|^srcdoc$|^style$/.test(name) ||
      (/^(id|name)$/.test(name) && /MathJax|config|jupyterapp|commands|^x$/.test(value)) ||
      (name === "src" && !/^(data|blob):/.test(value)) ||
      (name === "href" && !/^(https?:|mailto:)/.test(value)) ||
      (name === "class" && value.includes("jp-Cell"));
    // A form with our own buttons is no content.
    const ours = (element) => element.matches("form.claude-actions");
    return roots.flatMap((root) => [...root.querySelectorAll("*")]).flatMap((element) => [
      ...(element.matches(elements) && !ours(element) ? [element.tagName] : []),
      ...[...element.attributes].filter(wrong).map(({name, value}) => `${name}=${value}`),
    ]);
  },

  // What is wider than its turn, but for what scrolls by itself.
  overflow(roots) {
    const wide = (root) => {
      const right = root.getBoundingClientRect().right + 1;
      const scrolls = (element) =>
        element !== root &&
        (["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
      const cell = root.closest(".jp-OutputArea-output");
      return [
        ...[...root.querySelectorAll("*")].filter(
          (each) => each.offsetParent && each.getBoundingClientRect().right > right && !scrolls(each)),
        ...(cell.scrollWidth > cell.clientWidth + 1 ? [cell] : []),
      ];
    };
    return roots.filter((root) => root.offsetParent).flatMap(wide).map((each) => `${each.tagName}.${each.className}`);
  },

  // Text that is less than 4.5 times as light or dark as what is behind it.
  faint(roots) {
    const colour = (text) => {
      const parts = text.match(/[\d.]+/g).map(Number);
      const [r, g, b] = text.startsWith("color(") ? parts.slice(0, 3).map((part) => 255 * part) : parts;
      return [r, g, b, parts[3] ?? 1];
    };
    const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
    const behind = (element) => {
      if (!element) return [255, 255, 255, 1];
      const own = colour(getComputedStyle(element).backgroundColor);
      return own[3] === 1 ? own : over(own, behind(element.parentElement));
    };
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const light = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, share, i) => sum + share * linear(rgb[i] / 255), 0);
    const opacity = (element) =>
      element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1;
    const contrast = (element) => {
      const ground = behind(element);
      const ink = colour(getComputedStyle(element).color);
      ink[3] *= opacity(element);
      if (ink[3] === 0) return Infinity; // shown when it is pointed at
      const [a, b] = [light(over(ink, ground)), light(ground)];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    };
    const found = {};
    for (const root of roots) {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement;
        if (!node.data.trim() || element.closest(":disabled") || !element.checkVisibility({visibilityProperty: true})) continue;
        const value = contrast(element);
        if (value < 4.5) found[`${element.tagName}.${element.className}`] = `${value.toFixed(2)} ${node.data.trim().slice(0, 40)}`;
      }
    }
    return found;
  },

  unfold(roots) {
    for (const root of roots) root.querySelectorAll("details").forEach((each) => { each.open = true; });
  },
})
