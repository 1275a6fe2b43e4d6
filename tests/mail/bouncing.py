"""Reports as mail servers write them, and sending them to the listener over SMTP or LMTP."""

import smtplib
from textwrap import dedent


def delivery_report(
    to, *, action="failed", status="5.1.1", diagnostic="smtp; 550 5.1.1 User unknown", original=""
):
    """A delivery status notification (RFC 3464) as Postfix writes them."""
    brought_back = f"--BOUNDARY\nContent-Type: text/rfc822-headers\n\n{original}\n" if original else ""
    head = dedent(f"""\
        From: MAILER-DAEMON@mx.example (Mail Delivery System)
        To: {to}
        Subject: Undelivered Mail Returned to Sender
        Auto-Submitted: auto-replied
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status; boundary="BOUNDARY"

        This is a MIME-encapsulated message.

        --BOUNDARY
        Content-Description: Notification
        Content-Type: text/plain; charset=us-ascii

        This is the mail system at host mx.example.

        --BOUNDARY
        Content-Description: Delivery report
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mx.example
        Arrival-Date: Mon, 2 Mar 2026 09:00:00 +0800 (CST)

        Final-Recipient: rfc822; li.wei@northwind.example
        Action: {action}
        Status: {status}
        Diagnostic-Code: {diagnostic}

        """)
    return _wired(f"{head}{brought_back}--BOUNDARY--\n")


def complaint(to, *, mail_from, feedback="abuse"):
    """A report of a mailbox provider that its reader called a mail unwanted (RFC 5965)."""
    return _wired(
        dedent(f"""\
        From: fbl@provider.example
        To: {to}
        Subject: FW: Your opinion
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=feedback-report; boundary="BOUNDARY"

        --BOUNDARY
        Content-Type: text/plain; charset="US-ASCII"

        This is an email abuse report.

        --BOUNDARY
        Content-Type: message/feedback-report

        Feedback-Type: {feedback}
        User-Agent: Provider/1.0
        Version: 1
        Original-Mail-From: <{mail_from}>

        --BOUNDARY--
        """)
    )


def vacation(to):
    """The answer of somebody who is away (RFC 3834)."""
    return _wired(
        dedent(f"""\
        From: li.wei@northwind.example
        To: {to}
        Subject: Away
        Auto-Submitted: auto-replied

        I am on holiday. 5.1.1 User unknown
        """)
    )


def _wired(text):
    return text.encode().replace(b"\n", b"\r\n")


def hand_over(port, to, content, *, lmtp=False, sender=""):
    """Over a connection as the operator's mail server opens one; raises what smtplib raises."""
    kind = smtplib.LMTP if lmtp else smtplib.SMTP
    with kind("127.0.0.1", port, local_hostname="mx.example") as server:
        server.sendmail(sender, [to], content)
