"""Scores received speech: score.py REFERENCE.wav RECEIVED.raw

REFERENCE is a mono WAV of 16 bits that was spoken over and over, RECEIVED what came of it: mono,
16 bits, 48 kHz. Prints the wideband PESQ score (ITU-T P.862.2, 1.04 to 4.64) of every whole turn of
the reference, as a JSON array. A turn of which nothing came scores 1.
"""

import json
import sys
import wave

import numpy
import pesq

RATE = 16_000


def resampled(samples, rate):
    """By the spectrum: exact for what is below half of both rates."""
    count = round(len(samples) * RATE / rate)
    spectrum = numpy.fft.rfft(samples)
    kept = numpy.zeros(count // 2 + 1, dtype=complex)
    common = min(len(kept), len(spectrum))
    kept[:common] = spectrum[:common]
    return numpy.fft.irfft(kept, count) * count / len(samples)


def loudness(samples):
    """The envelope in steps of 10 ms, which survives codecs better than the wave itself."""
    steps = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    return numpy.sqrt((steps**2).mean(axis=1))


def phase(reference, received):
    """How many samples of the reference have been spoken when the recording begins."""
    turn, heard = loudness(reference), loudness(received)
    folded = numpy.zeros(len(turn))
    for start in range(0, len(heard), len(turn)):
        part = heard[start : start + len(turn)]
        folded[: len(part)] += part
    match = numpy.fft.irfft(numpy.fft.rfft(turn) * numpy.conj(numpy.fft.rfft(folded)), len(turn))
    return int(numpy.argmax(match)) * 160


def score(reference, degraded):
    try:
        return float(pesq.pesq(RATE, reference, degraded, "wb"))
    except pesq.NoUtterancesError:
        return 1.0


def main():
    with wave.open(sys.argv[1]) as file:
        spoken = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        reference = resampled(spoken / 32768, file.getframerate())
    received = resampled(numpy.fromfile(sys.argv[2], dtype="<i2") / 32768, 48_000)
    # Whole steps keep the turns from sliding against each other.
    first = (len(reference) - phase(reference, received)) % len(reference)
    starts = range(first, len(received) - len(reference) + 1, len(reference))
    print(json.dumps([score(reference, received[s : s + len(reference)]) for s in starts]))


main()
