/*
 * Serves text to many clients at a time, in one batch:
 *
 *     server MODEL SOCKET
 *
 * SOCKET is the path of a Unix socket, which `nc -U SOCKET` connects to. A client sends a line, and
 * receives it continued until its document ends, at most 500 characters, and a line break; then it
 * may send another. Clients join and leave at any time; one pass over the model's weights serves
 * all that are waiting for a character. Ctrl-C ends the server.
 */
#define _POSIX_C_SOURCE 200809L

#include <chargen.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS = 256, LONGEST_LINE = 1000, LONGEST_ANSWER = 500 };

struct client {
    chargen_session *session;
    char line[LONGEST_LINE];
    size_t length; /* of the line so far */
    size_t wanted; /* how many characters are still to be sent */
};

/* The listening socket comes first; polls[i + 1] is that of clients[i]. */
static struct pollfd polls[CLIENTS + 1];
static struct client clients[CLIENTS];
static size_t client_count;
static volatile sig_atomic_t stopped;

static void stop(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

static int failed(void) {
    fprintf(stderr, "server: %s\n", chargen_error_message());
    return -1;
}

static int listen_at(const char *path) {
    struct sockaddr_un address;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0
        || listen(listener, SOMAXCONN) != 0) {
        return -1;
    }
    return listener;
}

/* Takes a new client, with a seed of its own. */
static int join(const chargen_model *model) {
    static uint64_t seed = 1;
    struct client *client = &clients[client_count];
    int connection = accept(polls[0].fd, NULL, NULL);
    if (connection < 0) {
        return 0; /* it has gone already */
    }
    memset(client, 0, sizeof *client);
    if (chargen_session_create(model, &client->session) != CHARGEN_OK
        || chargen_session_set_seed(client->session, seed++) != CHARGEN_OK
        || chargen_session_set_temperature(client->session, 0.8f) != CHARGEN_OK
        || chargen_session_set_unknown(client->session, CHARGEN_UNKNOWN_SKIP) != CHARGEN_OK) {
        chargen_session_free(client->session);
        close(connection);
        return failed();
    }
    fcntl(connection, F_SETFL, O_NONBLOCK);
    polls[++client_count].fd = connection;
    return 0;
}

/* Removes a client; the last one takes its place. */
static void leave(size_t index) {
    chargen_session_free(clients[index].session);
    close(polls[index + 1].fd);
    polls[index + 1] = polls[client_count];
    clients[index] = clients[--client_count];
}

/* Sends text; a client that has gone is noticed when it is read from. */
static void send_text(size_t index, const char *text, size_t length) {
    send(polls[index + 1].fd, text, length, MSG_NOSIGNAL);
}

/* Reads from a client up to the end of a line, and has the session read the line. Returns -1 if the
   client has gone. */
static int read_line(size_t index) {
    struct client *client = &clients[index];
    char byte;
    ssize_t got;
    while ((got = recv(polls[index + 1].fd, &byte, 1, 0)) == 1) {
        if (byte != '\n') {
            if (client->length < LONGEST_LINE) {
                client->line[client->length++] = byte;
            }
            continue;
        }
        if (chargen_session_feed(client->session, client->line, client->length) == CHARGEN_OK) {
            client->wanted = LONGEST_ANSWER;
            send_text(index, client->line, client->length);
        } else {
            const char *message = chargen_error_message();
            send_text(index, message, strlen(message));
            send_text(index, "\n", 1);
        }
        client->length = 0;
        return 0;
    }
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? 0 : -1;
}

/* Sends the next character to each client that waits for one and can take it. */
static int generate(chargen_batch *batch) {
    chargen_session *sessions[CLIENTS] = {NULL};
    uint32_t characters[CLIENTS];
    size_t indices[CLIENTS];
    size_t count = 0, i;
    for (i = 0; i < client_count; i++) {
        if (clients[i].wanted > 0 && (polls[i + 1].revents & POLLOUT)) {
            sessions[count] = clients[i].session;
            indices[count++] = i;
        }
    }
    if (chargen_batch_next(batch, sessions, count, characters) != CHARGEN_OK) {
        return failed();
    }
    for (i = 0; i < count; i++) {
        struct client *client = &clients[indices[i]];
        char text[5];
        send_text(indices[i], text, chargen_encode(characters[i], text));
        client->wanted--;
        if (characters[i] == CHARGEN_END_OF_DOCUMENT || client->wanted == 0) {
            client->wanted = 0;
            send_text(indices[i], "\n", 1);
            /* After the end of a document the next line begins another anyway. */
            if (characters[i] != CHARGEN_END_OF_DOCUMENT && chargen_session_reset(client->session) != CHARGEN_OK) {
                return failed();
            }
        }
    }
    return 0;
}

static int serve(const chargen_model *model, chargen_batch *batch) {
    int result = 0;
    while (!stopped && result == 0) {
        size_t i;
        polls[0].events = client_count < CLIENTS ? POLLIN : 0;
        for (i = 0; i < client_count; i++) {
            /* A client that does not read its answer is left waiting, without delaying others. */
            polls[i + 1].events = clients[i].wanted > 0 ? POLLOUT : POLLIN;
        }
        if (poll(polls, client_count + 1, -1) < 0) {
            if (errno == EINTR) {
                continue;
            }
            perror("server");
            return -1;
        }
        result = generate(batch);
        for (i = client_count; i-- > 0;) {
            short events = polls[i + 1].revents;
            if ((events & (POLLHUP | POLLERR) && !(events & POLLIN)) || (events & POLLIN && read_line(i) != 0)) {
                leave(i);
            }
        }
        if (result == 0 && polls[0].revents & POLLIN) {
            result = join(model);
        }
    }
    return result;
}

int main(int argc, char **argv) {
    chargen_model *model = NULL;
    chargen_batch *batch = NULL;
    struct sigaction action;
    int result = -1;

    if (argc != 3) {
        fprintf(stderr, "usage: server MODEL SOCKET\n");
        return 2;
    }
    memset(&action, 0, sizeof action);
    action.sa_handler = stop;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (chargen_model_load_file(argv[1], &model) != CHARGEN_OK
        || chargen_batch_create(model, CLIENTS, 1, &batch) != CHARGEN_OK) {
        failed();
    } else if ((polls[0].fd = listen_at(argv[2])) < 0) {
        perror(argv[2]);
    } else {
        result = serve(model, batch);
        while (client_count > 0) {
            leave(client_count - 1);
        }
        close(polls[0].fd);
        unlink(argv[2]);
    }
    chargen_batch_free(batch);
    chargen_model_free(model);
    return result != 0;
}
