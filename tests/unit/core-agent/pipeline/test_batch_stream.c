/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/batch_stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_BODY (4 * 1024 * 1024)

static uint8_t instance[BATCH_STREAM_INSTANCE_BYTES] = {1, 2, 3};

struct body {
	uint8_t bytes[MAX_BODY];
	size_t size;
};

struct seen {
	size_t n_batches;
	size_t n_connections;
	uint64_t next_sequence;
	int result; /* what the callback returns */
};

struct fixture {
	struct body body;
	struct seen seen;
	struct batch_stream *stream;
};

static int on_batch(const Sysprobe__V1__Batch *batch, void *context)
{
	struct seen *seen = context;

	seen->n_batches++;
	seen->n_connections += batch->n_connections;
	if (batch->trailer)
		seen->next_sequence = batch->trailer->next_sequence;
	return seen->result;
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->stream = batch_stream_new(MAX_BODY, on_batch, &fixture->seen);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	batch_stream_free(fixture->stream);
	free(fixture);
	return 0;
}

static void add_size(struct body *body, size_t size)
{
	for (; size > 127; size >>= 7)
		body->bytes[body->size++] = (uint8_t)(size | 128);
	body->bytes[body->size++] = (uint8_t)size;
}

static void add_batch(struct body *body, const Sysprobe__V1__Batch *batch)
{
	add_size(body, sysprobe__v1__batch__get_packed_size(batch));
	body->size += sysprobe__v1__batch__pack(batch, body->bytes + body->size);
}

static void add_header(struct body *body, size_t instance_size)
{
	Sysprobe__V1__Header header = SYSPROBE__V1__HEADER__INIT;
	Sysprobe__V1__Batch batch = SYSPROBE__V1__BATCH__INIT;

	header.instance_id.data = instance;
	header.instance_id.len = instance_size;
	batch.header = &header;
	add_batch(body, &batch);
}

static void add_connections(struct body *body, size_t n)
{
	static Sysprobe__V1__Connection connection = SYSPROBE__V1__CONNECTION__INIT;
	Sysprobe__V1__Connection **list = malloc(n * sizeof(Sysprobe__V1__Connection *));
	Sysprobe__V1__Batch batch = SYSPROBE__V1__BATCH__INIT;

	connection.id = 7;
	for (size_t i = 0; i < n; i++)
		list[i] = &connection;
	batch.connections = list;
	batch.n_connections = n;
	add_batch(body, &batch);
	free(list);
}

static void add_trailer(struct body *body, uint64_t n_records)
{
	Sysprobe__V1__Trailer trailer = SYSPROBE__V1__TRAILER__INIT;
	Sysprobe__V1__Batch batch = SYSPROBE__V1__BATCH__INIT;

	trailer.n_records = n_records;
	trailer.next_sequence = 42;
	batch.trailer = &trailer;
	add_batch(body, &batch);
}

static int feed(struct fixture *fixture)
{
	return batch_stream_feed(fixture->stream, fixture->body.bytes, fixture->body.size);
}

static void whole_stream_hands_on_every_batch(void **state)
{
	struct fixture *fixture = *state;

	add_header(&fixture->body, sizeof(instance));
	add_connections(&fixture->body, 3);
	add_trailer(&fixture->body, 3);
	assert_int_equal(feed(fixture), 0);
	assert_int_equal(batch_stream_finish(fixture->stream), 0);
	assert_int_equal(fixture->seen.n_batches, 3);
	assert_int_equal(fixture->seen.n_connections, 3);
	assert_int_equal(fixture->seen.next_sequence, 42);
}

static void stream_fed_byte_by_byte_gives_the_same(void **state)
{
	struct fixture *fixture = *state;

	add_header(&fixture->body, sizeof(instance));
	add_connections(&fixture->body, 200); /* a size of two bytes */
	add_trailer(&fixture->body, 200);
	for (size_t i = 0; i < fixture->body.size; i++)
		assert_int_equal(batch_stream_feed(fixture->stream, &fixture->body.bytes[i], 1), 0);
	assert_int_equal(batch_stream_finish(fixture->stream), 0);
	assert_int_equal(fixture->seen.n_connections, 200);
}

static void stream_without_trailer_is_cut_short(void **state)
{
	struct fixture *fixture = *state;

	add_header(&fixture->body, sizeof(instance));
	add_connections(&fixture->body, 3);
	assert_int_equal(feed(fixture), 0);
	assert_int_equal(batch_stream_finish(fixture->stream), -ENODATA);
}

static void empty_stream_is_cut_short(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(batch_stream_finish(fixture->stream), -ENODATA);
}

static void stream_without_header_is_refused(void **state)
{
	struct fixture *fixture = *state;

	add_connections(&fixture->body, 1);
	assert_int_equal(feed(fixture), -EBADMSG);
}

static void second_header_is_refused(void **state)
{
	struct fixture *fixture = *state;

	add_header(&fixture->body, sizeof(instance));
	add_header(&fixture->body, sizeof(instance));
	assert_int_equal(feed(fixture), -EBADMSG);
}

static void instance_id_of_wrong_size_is_refused(void **state)
{
	struct fixture *fixture = *state;

	add_header(&fixture->body, sizeof(instance) - 1);
	assert_int_equal(feed(fixture), -EBADMSG);
}

static void trailer_that_counts_wrong_is_refused(void **state)
{
	struct fixture *fixture = *state;

	add_header(&fixture->body, sizeof(instance));
	add_connections(&fixture->body, 3);
	add_trailer(&fixture->body, 2);
	assert_int_equal(feed(fixture), -EBADMSG);
}

static void bytes_after_the_trailer_are_refused(void **state)
{
	struct fixture *fixture = *state;

	add_header(&fixture->body, sizeof(instance));
	add_trailer(&fixture->body, 0);
	add_connections(&fixture->body, 1);
	assert_int_equal(feed(fixture), -EBADMSG);
}

static void thousand_records_fit_a_batch_and_one_more_does_not(void **state)
{
	struct fixture *fixture = *state;

	add_header(&fixture->body, sizeof(instance));
	add_connections(&fixture->body, BATCH_STREAM_MAX_RECORDS);
	assert_int_equal(feed(fixture), 0);
	fixture->body.size = 0;
	add_connections(&fixture->body, BATCH_STREAM_MAX_RECORDS + 1);
	assert_int_equal(feed(fixture), -EMSGSIZE);
}

static void message_size_over_the_limit_is_refused_before_its_bytes_come(void **state)
{
	struct fixture *fixture = *state;

	add_size(&fixture->body, BATCH_STREAM_MAX_MESSAGE_BYTES + 1);
	assert_int_equal(feed(fixture), -EMSGSIZE);
}

static void message_size_at_the_limit_is_taken(void **state)
{
	struct fixture *fixture = *state;

	add_size(&fixture->body, BATCH_STREAM_MAX_MESSAGE_BYTES);
	assert_int_equal(feed(fixture), 0);
}

static void size_that_never_ends_is_refused(void **state)
{
	struct fixture *fixture = *state;

	memset(fixture->body.bytes, 0xff, 4);
	fixture->body.size = 4;
	assert_int_equal(feed(fixture), -EMSGSIZE);
}

static void small_message_that_unpacks_to_much_is_refused(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 256 * 1024;

	add_header(&fixture->body, sizeof(instance));
	add_size(&fixture->body, size);
	for (size_t i = 0; i < size; i += 2) { /* empty connections */
		fixture->body.bytes[fixture->body.size++] = 0x12;
		fixture->body.bytes[fixture->body.size++] = 0x00;
	}
	assert_int_equal(feed(fixture), -EMSGSIZE);
}

static void stream_over_its_total_is_refused(void **state)
{
	struct fixture *fixture = *state;

	batch_stream_free(fixture->stream);
	fixture->stream = batch_stream_new(10, on_batch, &fixture->seen);
	add_header(&fixture->body, sizeof(instance));
	assert_int_equal(feed(fixture), -EMSGSIZE);
}

static void garbage_is_refused_and_stays_refused(void **state)
{
	struct fixture *fixture = *state;
	static const uint8_t bytes[] = {3, 0xff, 0xff, 0xff};

	assert_int_equal(batch_stream_feed(fixture->stream, bytes, sizeof(bytes)), -EBADMSG);
	add_header(&fixture->body, sizeof(instance));
	assert_int_equal(feed(fixture), -EBADMSG);
	assert_int_equal(batch_stream_finish(fixture->stream), -EBADMSG);
}

static void consumer_can_stop_the_stream(void **state)
{
	struct fixture *fixture = *state;

	fixture->seen.result = -ECANCELED;
	add_header(&fixture->body, sizeof(instance));
	add_trailer(&fixture->body, 0);
	assert_int_equal(feed(fixture), -ECANCELED);
	assert_int_equal(fixture->seen.n_batches, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whole_stream_hands_on_every_batch),
		TEST(stream_fed_byte_by_byte_gives_the_same),
		TEST(stream_without_trailer_is_cut_short),
		TEST(empty_stream_is_cut_short),
		TEST(stream_without_header_is_refused),
		TEST(second_header_is_refused),
		TEST(instance_id_of_wrong_size_is_refused),
		TEST(trailer_that_counts_wrong_is_refused),
		TEST(bytes_after_the_trailer_are_refused),
		TEST(thousand_records_fit_a_batch_and_one_more_does_not),
		TEST(message_size_over_the_limit_is_refused_before_its_bytes_come),
		TEST(message_size_at_the_limit_is_taken),
		TEST(size_that_never_ends_is_refused),
		TEST(small_message_that_unpacks_to_much_is_refused),
		TEST(stream_over_its_total_is_refused),
		TEST(garbage_is_refused_and_stays_refused),
		TEST(consumer_can_stop_the_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
