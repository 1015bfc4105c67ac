"""What a contact requires of an agent: where an account, its queue and a language become a requirement."""

from throughline.domain.configuration import ChannelAccount, Queue
from throughline.domain.routing import signature_of, skills_of


def requirement_for(account: ChannelAccount, queue: Queue, language: str | None) -> str:
    """Return the requirement of a message that came in on `account`.

    The queue's and the account's skills count, at the higher level of the two. Where the account serves languages, the
    message's language is a skill too; one that it does not serve falls back to its first.
    """
    skills = dict(queue.skills)
    for name, level in account.skills.items():
        skills[name] = max(level, skills.get(name, 0))
    spoken = spoken_language(account, language)
    if spoken:
        skills[spoken] = max(1, skills.get(spoken, 0))
    return signature_of(skills)


def spoken_language(account: ChannelAccount, language: str | None) -> str | None:
    """Return the language a conversation is held in: the message's if the account serves it, else its first."""
    if not account.languages:
        return None
    return language if language in account.languages else account.languages[0]


def requirement_after_transfer(queue: Queue, before: str, language: str | None) -> str:
    """Return what a contact requires in its new queue: the queue's skills, and its language if required before."""
    skills = dict(queue.skills)
    required = skills_of(before)
    if language in required:
        skills[language] = max(required[language], skills.get(language, 0))
    return signature_of(skills)
