"""HOST PORT clear|starttls|tls CA USER|APOP LOGIN PASSWORD FOLDER: writes each message to FOLDER/NUMBER, prints their count."""
import os
import poplib
import ssl
import sys

host, port, mode, ca, method, login, password, folder = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
if mode == "tls":
    pop = poplib.POP3_SSL(host, int(port), context=context)
else:
    pop = poplib.POP3(host, int(port))
if mode == "starttls":
    pop.stls(context)
if method == "APOP":
    pop.apop(login, password)
else:
    pop.user(login)
    pop.pass_(password)

count, octets = pop.stat()
fetched = 0
identifiers = set()
for number in range(1, count + 1):
    _, lines, size = pop.retr(number)
    message = b"".join(line + b"\r\n" for line in lines)
    fetched += len(message)
    identifiers.add(pop.uidl(number).split()[2])
    with open(os.path.join(folder, str(number)), "wb") as file:
        file.write(message)
assert fetched == octets, f"STAT promised {octets} octets, {fetched} came"
assert len(identifiers) == count, "two messages have one identifier"
pop.quit()
print(count)
