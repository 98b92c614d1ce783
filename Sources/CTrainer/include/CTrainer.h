// What the command `trainer` needs of C: the end of a process that is refused memory.
#ifndef CTRAINER_H
#define CTRAINER_H

/// Sets what the message for refused memory advises, which is not copied; empty at first.
void ct_set_memory_advice(const char *advice);

/// What the message for refused memory advises.
const char *ct_memory_advice(void);

#endif
