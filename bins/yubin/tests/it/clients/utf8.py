"""HOST PORT clear|starttls|tls CA METHOD LOGIN PASSWORD FROM TO: sends a message whose addresses and header are beyond ASCII."""
import email.message
import email.policy
import smtplib
import ssl
import sys

host, port, mode, ca, method, login, password, sender, recipient = sys.argv[1:]
message = email.message.EmailMessage(policy=email.policy.SMTPUTF8)
message["From"] = sender
message["To"] = recipient
message["Subject"] = "こんにちは"
message["Date"] = "Mon, 25 Dec 2006 03:43:58 +0900"
message["Message-ID"] = "<20061225034358.1@client.example.org>"
message.set_content("花子\n", cte="8bit")
with smtplib.SMTP(host, int(port), "client.example.org") as smtp:
    if mode == "starttls":
        smtp.starttls(context=ssl.create_default_context(cafile=ca))
    smtp.ehlo()
    if method != "none":
        smtp.login(login, password)
    # It says SMTPUTF8 and BODY=8BITMIME by itself, where the server has both.
    refused = smtp.send_message(message, sender, [recipient])
    assert not refused, refused
