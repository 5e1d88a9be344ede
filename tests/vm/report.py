# SPDX-License-Identifier: Apache-2.0
"""What the guests reported, as one table and one file."""
import collections
import re
import xml.etree.ElementTree as ElementTree

GUEST = "the guest itself"
CELLS = {"passed": "pass", "failed": "FAIL", "skipped": "skip", None: "-"}


class Column:
    """One row of tests/vm/variants.py after its run."""

    def __init__(self, row, release, code, xml):
        self.row, self.release, self.code = row, release, code
        self.cases = list(ElementTree.fromstring(xml).iter("testcase")) if xml else []
        if code and not any(verdict(case) == "failed" for case in self.cases):
            self.cases.append(guest_failure(code))

    def verdicts(self):
        return {test_id(case): verdict(case) for case in self.cases}

    def suite(self):
        """Its part of the report: the same cases, under the row's name."""
        suite = ElementTree.Element("testsuite", name=f"vm {self.row.name}")
        for case in self.cases:
            named = ElementTree.SubElement(suite, "testcase", case.attrib)
            named.set("classname", f"{self.row.name}.{case.get('classname')}")
            named.extend(case)
        return suite


def guest_failure(code):
    case = ElementTree.Element("testcase", classname="vm", name=GUEST)
    ElementTree.SubElement(case, "failure", message=f"exit code {code} without a failed test")
    return case


def verdict(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


def test_id(case):
    """As pytest takes it."""
    if case.get("name") == GUEST:
        return GUEST
    return f"tests/integration/{case.get('classname').replace('.', '/')}.py::{case.get('name')}"


def print_all(columns):
    print_table(columns)
    print_skips(columns)
    print_failures(columns)


def print_table(columns):
    tests = sorted({test for column in columns for test in column.verdicts()})
    print()
    for number, column in enumerate(columns, 1):
        print(f"{number:>3} = {column.row.name}: Linux {column.release or '?'}, "
              f"tier {column.row.tier}")
    width = max((len(short(test)) for test in tests), default=4)
    print(f"{'test':<{width}} " + "".join(f"{n:>5}" for n in range(1, len(columns) + 1)))
    for test in tests:
        cells = (CELLS[column.verdicts().get(test)] for column in columns)
        print(f"{short(test):<{width}} " + "".join(f"{cell:>5}" for cell in cells))


def short(test):
    return re.sub(r".*/test_(.*)\.py::test_", r"\1: ", test).replace("_", " ")


def print_skips(columns):
    """One line for each test and reason, with the rows that have it."""
    where = collections.defaultdict(list)
    for column in columns:
        for case in column.cases:
            if verdict(case) == "skipped":
                reason = case.find("skipped").get("message")
                where[test_id(case), reason].append(column.row.name)
    for (test, reason), names in where.items():
        print(f"skip {short(test)} ({', '.join(names)}): {reason}")


def print_failures(columns):
    for column in columns:
        for test, result in column.verdicts().items():
            if result == "failed":
                chosen = "" if test == GUEST else f" -- '{test}'"
                print(f"FAILED {short(test)}\n"
                      f"to repeat: tests/vm/matrix {column.row.name}{chosen}")


def write_together(columns, path):
    root = ElementTree.Element("testsuites")
    root.extend(column.suite() for column in columns)
    ElementTree.ElementTree(root).write(path)
