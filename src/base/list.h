/* list.h - a doubly linked list through members of structs that live elsewhere.
 *
 * Owns        the order only; what is linked stays its owner's.
 * May include base.
 * Threads     none: a list belongs to whoever holds it.
 * Invariants  (skn_list_check)
 *   1. A list is a ring through its head: every node's next points back at the node.
 *   2. A node that is in no list points at itself, so taking it out again does nothing.
 */
#pragma once

#include "base/base.h"

/* The head of a list, or the link inside a struct. */
struct skn_list {
    struct skn_list *next;
    struct skn_list *prev;
};

/* Walks from the first to the last. The body must not take `link` out: see the next one. */
#define SKN_LIST_FOREACH(link, head) \
    for (struct skn_list *link = (head)->next; link != (head); link = link->next)

/* The same where the body may take `link` out or free what holds it, but nothing else. */
#define SKN_LIST_FOREACH_SAFE(link, after, head)                                    \
    for (struct skn_list *link = (head)->next, *after = link->next; link != (head); \
         link = after, after = link->next)

/* An empty list, or a link that is in no list. Needed before any other use. */
static inline void skn_list_init(struct skn_list *list)
{
    list->next = list;
    list->prev = list;
}

/* Of a head: nothing is in it. Of a link: it is in no list. */
static inline bool skn_list_is_empty(const struct skn_list *list)
{
    return list->next == list;
}

/* Puts `link`, which is in no list, behind `at`; behind the head means in front of all. */
static inline void skn_list_insert_after(struct skn_list *at, struct skn_list *link)
{
    SKN_ASSERT(skn_list_is_empty(link));
    link->prev = at;
    link->next = at->next;
    at->next->prev = link;
    at->next = link;
}

static inline void skn_list_push_front(struct skn_list *head, struct skn_list *link)
{
    skn_list_insert_after(head, link);
}

static inline void skn_list_push_back(struct skn_list *head, struct skn_list *link)
{
    skn_list_insert_after(head->prev, link);
}

/* Takes `link` out of whatever list it is in; leaves one that is in none alone. */
static inline void skn_list_remove(struct skn_list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    skn_list_init(link);
}

/* The first or last link, or NULL when the list is empty. */
static inline struct skn_list *skn_list_first(const struct skn_list *head)
{
    return head->next == head ? NULL : head->next;
}

static inline struct skn_list *skn_list_last(const struct skn_list *head)
{
    return head->prev == head ? NULL : head->prev;
}

/* Takes the first link out and gives it, or NULL. */
static inline struct skn_list *skn_list_pop_front(struct skn_list *head)
{
    struct skn_list *first = skn_list_first(head);
    if (first) skn_list_remove(first);
    return first;
}

/* Puts everything in `from` behind everything in `head`, in its order; `from` is then empty. */
static inline void skn_list_append_all(struct skn_list *head, struct skn_list *from)
{
    SKN_ASSERT(head != from);
    if (skn_list_is_empty(from)) return;
    from->next->prev = head->prev;
    head->prev->next = from->next;
    from->prev->next = head;
    head->prev = from->prev;
    skn_list_init(from);
}

/* Aborts on a broken ring. O(length), for tests and debug builds. */
static inline void skn_list_check(const struct skn_list *head)
{
    const struct skn_list *link = head;
    do {
        SKN_ASSERT(link->next->prev == link);
        link = link->next;
    } while (link != head);
}
