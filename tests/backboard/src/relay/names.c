// Leads a program of Railway's to a relay on this machine, by LD_PRELOAD: the relay's name stands for an address that nobody has, a connection to it goes
// to 127.0.0.1 and the port in BACKBOARD_RELAY_PORT, and the home that the system's list of users tells is HOME, so that `ssh` leaves ours alone.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char *const STANDS_FOR = "127.114.108.121";

static int is_relay(const char *name) {
    return name && strncmp(name, "ssh.railway", strlen("ssh.railway")) == 0;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    // It stays a name, to whoever asks whether it is an address itself.
    int stays = hints && (hints->ai_flags & AI_NUMERICHOST);
    return real(is_relay(name) && !stays ? STANDS_FOR : name, service, hints, found);
}

int connect(int socket, const struct sockaddr *address, socklen_t length) {
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    const struct sockaddr_in *wanted = (const struct sockaddr_in *)address;
    const char *port = getenv("BACKBOARD_RELAY_PORT");
    if (port && address->sa_family == AF_INET && wanted->sin_addr.s_addr == inet_addr(STANDS_FOR)) {
        struct sockaddr_in here = *wanted;
        here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        here.sin_port = htons((unsigned short)atoi(port));
        return real(socket, (const struct sockaddr *)&here, sizeof here);
    }
    return real(socket, address, length);
}

struct passwd *getpwuid(uid_t user) {
    struct passwd *(*real)(uid_t) = dlsym(RTLD_NEXT, "getpwuid");
    struct passwd *found = real(user);
    char *home = getenv("HOME");
    if (found && home) found->pw_dir = home;
    return found;
}
