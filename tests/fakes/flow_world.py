"""Flows at random, for what must hold of every flow."""

from hypothesis import strategies as st

CONDITIONS = {
    "yes_no": '{0} == "yes"',
    "choices": '{0} contains "eau"',
    "text": '{0} contains "route"',
    "date": '{0} < "2026-01-01"',
    "place": '{0} == "02.411.01.23"',
    "language": '{0} == "ar"',
    **dict.fromkeys(("rating", "nps", "integer", "decimal"), "{0} <= 2"),
    "phone": "answered({0})",
}
KINDS = ("ask", "ask", "ask", "say", "end", "go", "menu")
MORE = ("", "", "  optional: yes\n", "  retries: 1\n", "  retries: 0\n  on_fail: skip\n")
ABOVE = ("", "", "  level: province\n", "  level: region\n")
OPTIONS = "  options: {eau: Eau, x: X, y: Y}\n"
LEVELS = "  options: {x: {label: X, say: Ici}, y: {label: Y, go: end}}\n"


@st.composite
def some_steps(draw, slots=True):
    """Write a flow of a few steps: questions, words, menus, jumps, conditions and slots at random."""
    lines, asked = [], {}
    for own in "abcdefg"[: draw(st.integers(1, 7))]:
        kind = draw(st.sampled_from(KINDS))
        of = draw(st.sampled_from(sorted(CONDITIONS)))
        slot = draw(st.sampled_from(("", "", *(f" {{{name}}}" for name in asked if slots))))
        known = [CONDITIONS[type_].format(name) for name, type_ in asked.items()]
        known += [f"not answered({name})" for name in asked]
        said = {
            "ask": f"- id: {own}\n  ask: Quoi{slot} ?\n  type: {of}\n" + OPTIONS * (of == "choices"),
            "say": f"- id: {own}\n  say: Merci{slot}\n",
            "end": f"- id: {own}\n  end: Fin\n",
            "go": f"- id: {own}\n  go: {draw(st.sampled_from('abcdefg'))}\n",
            "menu": f"- id: {own}\n  menu: Où ?\n{LEVELS}",
        }[kind]
        if kind in ("end", "go") or draw(st.booleans()):
            said += f"  when: '{draw(st.sampled_from(known))}'\n" if known else ""
        if kind == "ask":
            said += draw(st.sampled_from(MORE))
            said += draw(st.sampled_from(ABOVE)) if of == "place" else ""
            asked[own] = of
        lines.append(said)
    return "".join(lines)
