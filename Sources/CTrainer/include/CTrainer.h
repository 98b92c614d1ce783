// What the command `trainer` needs of C: its end where memory is refused, and its processors.
#ifndef CTRAINER_H
#define CTRAINER_H

/// Sets what the message for refused memory advises, which is not copied; empty at first.
void ct_set_memory_advice(const char *advice);

/// What the message for refused memory advises.
const char *ct_memory_advice(void);

/// The number of processors that the system lets this process use; 0 if it does not say.
int ct_processor_count(void);

#endif
