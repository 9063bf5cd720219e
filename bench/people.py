"""Names of the seeded accounts: common ones of several countries, written as their owners do.

Letters that change when they are folded (ß, İ, ı) are left out: our search finds "Weiß" by "weiss" and Django's does
not, and here the two are compared row by row.
"""

_FIRST = """
    Anna Luca Mia Noah Emma Leon Lea David Sofia Elias Laura Samuel Lena Jan Sara Tim Julia Nico Elena Simon Nina
    Fabian Chiara Jonas Alina Marco Lara Daniel Giulia Michael Eva Thomas Céline Andrea Peter Zoë Chloé Jérôme René
    Björn Søren Jürgen Günther Łukasz Zofia Šárka Çağla Ipek Dušan Ana José María Íñigo João Conceição Nguyễn Ivan
    Olga Дмитрий Ольга Ελένη 太郎 Wei Priya Mohammed Fatima Yusuf Aïcha Kwame Ingrid Astrid Hans Ursula Walter Ruth
    Beat Verena Reto Urs Corinne Patrick Sandra Stefan Monika Christian Nicole Markus Barbara
"""
FIRST = _FIRST.split()
_LAST = """
    Müller Meier Schmid Keller Weber Huber Schneider Meyer Steiner Fischer Gerber Brunner Baumann Frei Zimmermann
    Moser Widmer Wyss Graf Roth Suter Baumgartner Bachmann Kunz Studer Bucher Hofer Ammann Hess Lehmann Koller Marti
    Egli Rossi Bianchi Ferrari Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau García Martínez
    López Sánchez Pérez Silva Santos Ferreira Pereira Nowak Kowalski Wiśniewski Novák Dvořák Horváth Kovács Nagy
    Popescu Ionescu Yilmaz Kaya Demir Öztürk Papadopoulos Ivanov Smirnov Jensen Nielsen Hansen Johansson Lindqvist
    Ångström Virtanen Korhonen O'Brien Murphy Smith Jones Taylor Brown Wilson Nguyen Tran Chen Wang Li Zhang Kim
    Park Tanaka Suzuki Singh Patel Sharma Khan Ali Hussein Mensah Okafor Straßer Weiß Größer von-Arx de-Weck
    Hürlimann Zgraggen
"""
LAST = _LAST.split()
ROLES = ["none"] * 10 + ["viewer"] * 6 + ["observer"] * 2 + ["content_manager"] * 2 + ["editor"] * 4 + ["security"]
BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1",
)


def person(number: int) -> tuple[str, str]:
    """First and last name of the account with this number; every combination comes up, in no order."""
    shuffled = number * 2_654_435_761 % 2**32  # Knuth's multiplicative hash
    return FIRST[shuffled % len(FIRST)], LAST[shuffled // len(FIRST) % len(LAST)]


def username(number: int) -> str:
    """``anna.muller17``: unique by its number."""
    first, last = person(number)
    return f"{first}.{last}{number}".replace("'", "").replace(" ", "").lower()


def external_id(number: int, total: int) -> str:
    """Two of three have one, from another system: not in the order of the accounts."""
    return "" if number % 3 == 0 else f"KS-{number * 7_919 % (10 * total + 9):08d}-{number % 97:02d}"
