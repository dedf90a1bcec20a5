"""HOST PORT clear|starttls|tls CA METHOD LOGIN PASSWORD FROM TO FILE: sends the file as it is."""
import smtplib
import ssl
import sys

host, port, mode, ca, method, login, password, sender, recipient, file = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
if mode == "tls":
    smtp = smtplib.SMTP_SSL(host, int(port), "client.example.org", context=context)
else:
    smtp = smtplib.SMTP(host, int(port), "client.example.org")
with smtp:
    if mode == "starttls":
        smtp.starttls(context=context)
    smtp.ehlo_or_helo_if_needed()
    if method != "none":
        smtp.user, smtp.password = login, password
        smtp.auth(method, getattr(smtp, "auth_" + method.lower()))
    with open(file, "rb") as message:
        refused = smtp.sendmail(sender, [recipient], message.read())
    assert not refused, refused
