"""HOST PORT clear CA none LOGIN PASSWORD FROM TO FILE: sends the file by BDAT in chunks of all kinds (smtplib itself has no BDAT)."""
import smtplib
import sys

host, port, _, _, _, _, _, sender, recipient, file = sys.argv[1:]
with smtplib.SMTP(host, int(port), "client.example.org") as smtp:
    smtp.ehlo()
    assert smtp.has_extn("chunking")
    with open(file, "rb") as opened:
        message = opened.read()
    for sizes in ([len(message)], [1, 2, 3, len(message) // 2, 0], [7] * 20):
        assert smtp.mail(sender)[0] == 250
        assert smtp.rcpt(recipient)[0] == 250
        at = 0
        for size in sizes:
            smtp.send(b"BDAT %d\r\n" % size + message[at:at + size])
            code, text = smtp.getreply()
            assert code == 250, (code, text)
            at += size
        rest = message[at:]
        smtp.send(b"BDAT %d LAST\r\n" % len(rest) + rest)
        code, text = smtp.getreply()
        assert code == 250 and b"Queued as" in text, (code, text)
