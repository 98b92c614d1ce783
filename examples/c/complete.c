/*
 * Completes lines while they are typed:
 *
 *     complete MODEL
 *
 * After the cursor stands the likeliest continuation, then what the next character may be. Tab
 * takes the continuation, Enter begins another line, Ctrl-C ends the program.
 */
#define _POSIX_C_SOURCE 200809L

#include <chargen.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { WIDTH = 16, LENGTH = 16, CHOICES = 5, LONGEST = 1000 };

static struct termios original;

/* Leaves the terminal as it was, whatever ends the program. */
static void restore(int signal_number) {
    tcsetattr(STDIN_FILENO, TCSANOW, &original);
    if (signal_number != 0) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
}

/* Has the terminal give each key at once, and not show it. */
static int set_raw(void) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action;
    struct termios raw;
    size_t i;
    if (tcgetattr(STDIN_FILENO, &original) != 0) {
        return -1;
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = restore;
    for (i = 0; i < sizeof signals / sizeof *signals; i++) {
        sigaction(signals[i], &action, NULL);
    }
    raw = original;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    raw.c_cc[VSUSP] = _POSIX_VDISABLE;
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static int failed(void) {
    fprintf(stderr, "\r\ncomplete: %s\r\n", chargen_error_message());
    return 1;
}

/* Shows the line, its likeliest continuation and the likeliest next characters, both dim. */
static int show(chargen_session *session, const char *line, const char *continuation) {
    uint32_t characters[CHOICES];
    float probabilities[CHOICES];
    size_t count, i;
    if (chargen_session_likeliest(session, CHOICES, characters, probabilities, &count) != CHARGEN_OK) {
        return failed();
    }
    printf("\r\033[K%s\0337\033[2m%s   ", line, continuation);
    for (i = 0; i < count; i++) {
        char text[5];
        chargen_encode(characters[i], text);
        printf(" %s %.0f%%", characters[i] == CHARGEN_END_OF_DOCUMENT ? "end" : text, 100 * (double)probabilities[i]);
    }
    printf("\033[0m\0338"); /* back to where the line ends */
    return fflush(stdout) != 0;
}

/* Reads the bytes of one key, NUL-terminated, without those of arrows and the like. Returns 1, or 0
   at the end of the input. */
static int read_key(char *key) {
    size_t length = 0;
    int in_escape = 0;
    while (read(STDIN_FILENO, key + length, 1) == 1) {
        unsigned char first = (unsigned char)key[0], last = (unsigned char)key[length];
        if (in_escape || last == 27) {
            /* A sequence such as ESC [ 3 ~ ends with a letter or a ~. */
            in_escape = last == 27 || last == '[' || last == 'O' || last < '@';
        } else if (++length == (first < 0xC0 ? 1u : first < 0xE0 ? 2u : first < 0xF0 ? 3u : 4u)) {
            key[length] = '\0';
            return key[0] != 4; /* Ctrl-D */
        }
    }
    return 0;
}

/* Reads keys until the end of the input. Returns 0 on success. */
static int run(chargen_session *session, chargen_beam *beam) {
    char line[LONGEST + 1] = "";
    char key[5] = "";
    const char *continuation = "";
    do {
        const char *typed = key[0] == '\t' ? continuation : key;
        size_t length = strlen(line), count;
        if (key[0] == '\n' || key[0] == '\r') {
            printf("\r\033[K%s\n", line);
            line[0] = '\0';
            if (chargen_session_reset(session) != CHARGEN_OK) {
                return failed();
            }
        } else if (key[0] == 127 || key[0] == 8) { /* backspace */
            while (length > 0 && ((unsigned char)line[--length] & 0xC0) == 0x80) {
            }
            line[length] = '\0';
            if (chargen_session_reset(session) != CHARGEN_OK
                || chargen_session_feed(session, line, length) != CHARGEN_OK) {
                return failed();
            }
        } else if (length + strlen(typed) > LONGEST
                   || chargen_session_feed(session, typed, strlen(typed)) != CHARGEN_OK) {
            putchar('\a'); /* the line is full, or the model does not know the character */
        } else {
            strcat(line, typed);
        }
        continuation = "";
        if (chargen_beam_search(beam, session, LENGTH, &count) != CHARGEN_OK
            || (count > 0 && chargen_beam_text(beam, 0, &continuation, NULL, NULL, NULL) != CHARGEN_OK)) {
            return failed();
        }
        if (show(session, line, continuation) != 0) {
            return 1;
        }
    } while (read_key(key));
    return 0;
}

int main(int argc, char **argv) {
    chargen_model *model;
    chargen_session *session = NULL;
    chargen_beam *beam = NULL;
    int result;
    if (argc != 2) {
        fprintf(stderr, "usage: complete MODEL\n");
        return 2;
    }
    if (chargen_model_load_file(argv[1], &model) != CHARGEN_OK
        || chargen_session_create(model, &session) != CHARGEN_OK
        || chargen_beam_create(model, WIDTH, LENGTH, 1, &beam) != CHARGEN_OK) {
        result = failed();
    } else if (set_raw() != 0) {
        perror("complete: this needs a terminal");
        result = 1;
    } else {
        result = run(session, beam);
        restore(0);
        putchar('\n');
    }
    chargen_beam_free(beam);
    chargen_session_free(session);
    chargen_model_free(model);
    return result;
}
