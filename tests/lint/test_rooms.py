#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The lint is seen to fail: each rule is broken once in a tree made for it."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import rooms


class Rooms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source = pathlib.Path(folder.name) / 'source'
        self.build = pathlib.Path(folder.name) / 'build'
        self.build.mkdir()
        self.skipped = []
        self.write('common/log.h', 'void log_line(void);\n')
        self.write('bpf/sp_types.h', 'struct sp_key { int a; };\n')
        self.write('bpf/maps.bpf.h', '')
        self.write('system-probe/main.c', '#include "log.h"\n#include "sp_types.h"\n')
        self.write('system-probe/settings.h', 'struct probe_settings;\n')
        self.write('core-agent/settings.h', 'struct agent_settings;\n')
        self.write('core-agent/enrich/enrich.h', '#include "settings.h"\n')

    def write(self, path, text):
        file = self.source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def findings(self):
        _, findings = rooms.check(self.source, self.build, self.skipped.append)
        return [str(finding) for finding in findings]

    def assert_one(self, beginning):
        findings = self.findings()
        self.assertEqual(len(findings), 1, findings)
        self.assertTrue(findings[0].startswith(beginning), findings[0])

    def build_program(self, name, *libraries):
        program = self.build / name
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(['gcc', '-x', 'c', '-', '-o', program, '-Wl,--no-as-needed', *libraries],
                       input='int main(void) { return 0; }\n', text=True, check=True)

    def test_tree_within_the_rules_has_no_finding(self):
        self.assertEqual(self.findings(), [])

    def test_common_may_not_include_a_process(self):
        self.write('core-agent/delta.h', '')
        self.write('common/clock.c', '\n#include "delta.h"\n')
        self.assert_one('common/clock.c:2: include: common/ may not include "delta.h"')

    def test_command_line_may_not_include_the_running_agent(self):
        self.write('core-agent/cli/status.c', '#include "enrich/enrich.h"\n')
        self.assert_one('core-agent/cli/status.c:1: include: core-agent/cli/ may not include')

    def test_command_line_may_include_settings_and_itself(self):
        self.write('core-agent/cli/ipc.h', '')
        self.write('core-agent/cli/status.c', '#include "settings.h"\n#include "ipc.h"\n')
        self.write('core-agent/main.c', '#include "cli/ipc.h"\n')
        self.assertEqual(self.findings(), [])

    def test_agent_may_not_include_its_command_line(self):
        self.write('core-agent/cli/ipc.h', '')
        self.write('core-agent/enrich/enrich.c', '#include "cli/ipc.h"\n')
        self.assert_one('core-agent/enrich/enrich.c:1: include: "cli/ipc.h" is for core-agent/cli/')

    def test_agent_may_not_include_the_kernel_side(self):
        self.write('core-agent/main.c', '#include "sp_types.h"\n')
        self.assert_one('core-agent/main.c:1: include: core-agent/ may not include "sp_types.h"')

    def test_path_does_not_get_around_the_rule(self):
        self.write('core-agent/main.c', '#include "../bpf/sp_types.h"\n')
        self.assert_one('core-agent/main.c:1: include: ')

    def test_probe_may_not_include_the_agent(self):
        self.write('core-agent/delta.h', '')
        self.write('system-probe/main.c', '# include "delta.h"\n')
        self.assert_one('system-probe/main.c:1: include: ')

    def test_probe_may_not_include_what_only_the_kernel_side_compiles(self):
        self.write('system-probe/main.c', '#include "maps.bpf.h"\n')
        self.assert_one('system-probe/main.c:1: include: ')

    def test_probe_may_not_include_messages_upstream(self):
        self.write('system-probe/main.c', '#include "intake.pb-c.h"\n')
        self.assert_one('system-probe/main.c:1: include: ')

    def test_generated_header_belongs_to_its_folder(self):
        self.write('core-agent/main.c', '#include "sysprobe.pb-c.h"\n#include "a.skel.h"\n')
        self.assert_one('core-agent/main.c:2: include: core-agent/ may not include "a.skel.h"')

    def test_quoted_name_that_is_not_ours_is_found(self):
        self.write('common/log.c', '#include "curl/curl.h"\n')
        self.assert_one('common/log.c:1: include: "curl/curl.h" is no header of ours')

    def test_probe_may_not_use_curl(self):
        self.write('system-probe/main.c', '#include <curl/curl.h>\n')
        self.assert_one('system-probe/main.c:1: library: system-probe/ may not use libcurl')

    def test_agent_may_not_use_libbpf(self):
        self.write('core-agent/main.c', '#include <bpf/libbpf.h>\n')
        self.assert_one('core-agent/main.c:1: library: core-agent/ may not use libbpf')

    def test_file_of_600_lines_is_allowed(self):
        self.write('common/log.c', '\n' * 600)
        self.assertEqual(self.findings(), [])

    def test_file_of_601_lines_is_found(self):
        self.write('common/log.c', '\n' * 601)
        self.assert_one('common/log.c:601: file-size: ')

    @unittest.skipUnless(shutil.which('ctags'), 'universal-ctags is not installed')
    def test_function_of_80_lines_is_allowed(self):
        self.write('common/log.c', 'void f(void)\n{\n' + '\n' * 77 + '}\n')
        self.assertEqual(self.findings(), [])

    @unittest.skipUnless(shutil.which('ctags'), 'universal-ctags is not installed')
    def test_function_of_81_lines_is_found(self):
        self.write('common/log.c', '\nvoid f(void)\n{\n' + '\n' * 78 + '}\n')
        self.assert_one('common/log.c:2: function-size: f has 81 lines')

    def test_header_that_needs_another_before_it_is_found(self):
        self.write('common/clock.h', '\nuint64_t clock_now_ns(void);\n')
        self.assert_one('common/clock.h:2: header-alone: ')

    @unittest.skipUnless(shutil.which('clang'), 'clang is not installed')
    def test_kernel_side_header_that_needs_another_before_it_is_found(self):
        self.write('bpf/owner.bpf.h', 'static __u32 owner(void);\n')
        self.assert_one('bpf/owner.bpf.h:1: header-alone: ')

    def test_header_that_needs_an_unbuilt_one_is_skipped_by_name(self):
        self.write('core-agent/decode.h', '#include "sysprobe.pb-c.h"\n')
        self.assertEqual(self.findings(), [])
        self.assertIn('core-agent/decode.h by itself: sysprobe.pb-c.h is not built', self.skipped)

    def test_program_with_a_library_it_may_not_link_is_found(self):
        self.build_program('system-probe/system-probe', '-lcurl')
        self.assert_one('system-probe/system-probe:0: link: needs libcurl')

    def test_agent_linked_to_libbpf_is_found(self):
        self.build_program('core-agent/core-agent', '-lbpf')
        self.assert_one('core-agent/core-agent:0: link: needs libbpf')

    def test_program_with_libraries_it_may_link_is_not_found(self):
        self.build_program('system-probe/system-probe', '-lyaml', '-lbpf', '-lelf')
        self.assertEqual(self.findings(), [])

    def test_program_that_is_not_built_is_skipped_by_name(self):
        self.findings()
        self.assertIn('libraries of system-probe/system-probe: it is not built', self.skipped)

    def test_finding_gives_exit_status_1_and_a_line(self):
        self.write('core-agent/main.c', '#include <bpf/libbpf.h>\n')
        result = subprocess.run([rooms.__file__, '--source', self.source], capture_output=True,
                                text=True, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn('\ncore-agent/main.c:1: library: ', '\n' + result.stdout)


if __name__ == '__main__':
    unittest.main()
