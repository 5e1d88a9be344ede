/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static Sysprobe__V1__Connection record_with(uint64_t known_fields)
{
	Sysprobe__V1__Connection record = SYSPROBE__V1__CONNECTION__INIT;

	record.known_fields = known_fields;
	return record;
}

static void assert_width(const struct fact *fact, const ProtobufCFieldDescriptor *field)
{
	static const ProtobufCType narrow[] = {[FACT_NUMBER] = PROTOBUF_C_TYPE_UINT32,
					       [FACT_BOOL] = PROTOBUF_C_TYPE_BOOL,
					       [FACT_SIDE] = PROTOBUF_C_TYPE_ENUM,
					       [FACT_TCP_STATE] = PROTOBUF_C_TYPE_UINT32};

	assert_int_equal(field->type, fact->is_wide ? PROTOBUF_C_TYPE_UINT64 : narrow[fact->type]);
}

static void every_row_is_as_the_contract_says(void **state)
{
	(void)state;
	for (const struct fact *fact = facts_rows; fact < facts_rows + facts_n; fact++) {
		const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
			&sysprobe__v1__connection__descriptor, fact->field);

		assert_non_null(field);
		assert_string_equal(field->name, fact->wire_name);
		assert_int_equal(field->offset, fact->wire_offset);
		assert_width(fact, field);
	}
}

static void every_counter_is_as_the_contract_says(void **state)
{
	uint64_t bits = 0;

	(void)state;
	for (size_t i = 0; i < FACTS_N_COUNTERS; i++) {
		const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
			&sysprobe__v1__connection__descriptor, facts_counters[i].field);

		assert_string_equal(field->name, facts_counters[i].name);
		bits |= FACT_BIT(facts_counters[i].field);
	}
	assert_true(bits == FACTS_ALL_COUNTERS);
}

static void every_fact_has_its_own_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < facts_n; i++)
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(facts_rows[i].offset, facts_rows[k].offset);
			assert_int_not_equal(facts_rows[i].field, facts_rows[k].field);
			assert_string_not_equal(facts_rows[i].name, facts_rows[k].name);
		}
}

static void known_zero_is_known(void **state)
{
	Sysprobe__V1__Connection record = record_with(FACT_BIT(38) | FACT_BIT(41));
	struct connection_facts read = facts_read(&record);

	(void)state;
	assert_true(read.known == (FACT_BIT(38) | FACT_BIT(41)));
	assert_int_equal(read.lost, 0);
}

static void value_without_its_bit_is_unknown(void **state)
{
	Sysprobe__V1__Connection record = record_with(0);
	struct connection_facts read;

	(void)state;
	record.cwnd = 10;
	record.bytes_sent = 10;
	read = facts_read(&record);
	assert_true(read.known == 0);
	assert_int_equal(read.cwnd, 0);
}

static void values_of_every_width_are_read(void **state)
{
	Sysprobe__V1__Connection record =
		record_with(FACT_BIT(35) | FACT_BIT(39) | FACT_BIT(40) | FACT_BIT(49));
	struct connection_facts read;

	(void)state;
	record.ecn = true;
	record.cwnd = UINT32_MAX;
	record.delivery_bytes_per_s = UINT64_C(1) << 40;
	record.synack_retransmits = 3;
	read = facts_read(&record);
	assert_int_equal(read.ecn, 1);
	assert_int_equal(read.cwnd, UINT32_MAX);
	assert_true(read.delivery_bytes_per_s == UINT64_C(1) << 40);
	assert_int_equal(read.synack_retransmits, 3);
}

static void round_trip_of_zero_was_never_measured(void **state)
{
	Sysprobe__V1__Connection record = record_with(FACT_BIT(28));

	(void)state;
	assert_true(facts_read(&record).known == 0);
	record.min_rtt_us = 1;
	assert_true(facts_read(&record).known == FACT_BIT(28));
}

static void side_is_known_by_its_value(void **state)
{
	Sysprobe__V1__Connection record = record_with(FACT_BIT(43));

	(void)state;
	assert_true(facts_read(&record).known == 0);
	record.known_fields = 0;
	record.closed_first = SYSPROBE__V1__SIDE__SIDE_LOCAL;
	assert_true(facts_read(&record).known == FACT_BIT(43));
	record.closed_first = (Sysprobe__V1__Side)3;
	assert_true(facts_read(&record).known == 0);
}

static void state_without_a_name_is_unknown(void **state)
{
	Sysprobe__V1__Connection record = record_with(FACT_BIT(44));

	(void)state;
	record.tcp_state = 13;
	assert_true(facts_read(&record).known == 0);
	record.tcp_state = 12;
	assert_true(facts_read(&record).known == FACT_BIT(44));
}

static void bit_of_a_field_that_is_no_fact_is_left_out(void **state)
{
	Sysprobe__V1__Connection record = record_with(UINT64_MAX);

	(void)state;
	assert_false(facts_read(&record).known & FACT_BIT(29));
	assert_false(facts_read(&record).known & FACT_BIT(63));
}

#define N_DROPS (CONNECTION_MAX_DROP_REASONS + 4)

/* Each of `n` reasons dropped one packet; with `is_same` all have the same reason. */
static size_t read_drops(size_t n, bool is_same, struct connection_drop *ret)
{
	static char names[N_DROPS][8];
	static Sysprobe__V1__Drop drops[N_DROPS];
	static Sysprobe__V1__Drop *pointers[N_DROPS];
	Sysprobe__V1__Connection record = record_with(0);

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "R%zu", is_same ? 0 : i);
		sysprobe__v1__drop__init(&drops[i]);
		drops[i].reason = names[i];
		drops[i].packets = 1;
		pointers[i] = &drops[i];
	}
	record.drops = pointers;
	record.n_drops = n;
	return facts_read_drops(&record, ret);
}

static void equal_reasons_of_drops_are_one(void **state)
{
	struct connection_drop drops[CONNECTION_MAX_DROP_REASONS];

	(void)state;
	assert_int_equal(read_drops(3, true, drops), 1);
	assert_int_equal(drops[0].packets, 3);
}

static void reasons_beyond_the_bound_are_one_other(void **state)
{
	struct connection_drop drops[CONNECTION_MAX_DROP_REASONS];
	const struct connection_drop *last = &drops[CONNECTION_MAX_DROP_REASONS - 1];

	(void)state;
	assert_int_equal(read_drops(N_DROPS, false, drops), CONNECTION_MAX_DROP_REASONS);
	assert_string_equal(last->reason, "OTHER");
	assert_int_equal(last->packets, N_DROPS - CONNECTION_MAX_DROP_REASONS + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_as_the_contract_says),
		cmocka_unit_test(every_counter_is_as_the_contract_says),
		cmocka_unit_test(every_fact_has_its_own_place),
		cmocka_unit_test(known_zero_is_known),
		cmocka_unit_test(value_without_its_bit_is_unknown),
		cmocka_unit_test(values_of_every_width_are_read),
		cmocka_unit_test(round_trip_of_zero_was_never_measured),
		cmocka_unit_test(side_is_known_by_its_value),
		cmocka_unit_test(state_without_a_name_is_unknown),
		cmocka_unit_test(bit_of_a_field_that_is_no_fact_is_left_out),
		cmocka_unit_test(equal_reasons_of_drops_are_one),
		cmocka_unit_test(reasons_beyond_the_bound_are_one_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
