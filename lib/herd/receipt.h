/*
 * Between the files of this room: what was asked under a key.
 */
#ifndef OX_HERD_RECEIPT_H
#define OX_HERD_RECEIPT_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct herd;
struct json;
struct receipt;
struct herd_wait;
struct wait_results;

void receipts_release(struct herd *h);
/* A request begins: it belongs to the receipt that is open, if there is one. */
void receipt_covers(struct herd *h, struct herd_wait *request);
/* One of its requests is over. */
void receipt_settled(struct herd *h, struct receipt *r, const struct wait_results *results);
/* That client is gone. */
void receipts_unwait(struct herd *h, uint64_t id);
/* The request that waits for all that is asked under it; 0: none, or there is no receipt. */
uint64_t receipt_waiter(const struct receipt *r);
void receipts_write(const struct herd *h, struct buf *out);
/* What makes no sense is left out. */
void receipts_load(struct herd *h, const struct json *list);

#endif
