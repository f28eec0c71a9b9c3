"""A tiny CLIP, both halves and tokenizer, with random weights in the hub's layout."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import CLIPConfig, CLIPModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from periplus.encode.models import quiet

START, END = "<|startoftext|>", "<|endoftext|>"
SIDE = 32
LONGEST = 16


def forge_tokenizer(folder: Path) -> int:
    """``vocab.json``, ``merges.txt`` and ``tokenizer_config.json`` of CLIP's byte pairs; gives the number of tokens."""
    letters = [chr(code) for code in range(ord("!"), ord("~") + 1)]
    merges = [("p", "h"), ("ph", "o"), ("i", "n</w>"), ("a", "n")]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges), START, END]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "bos_token": START,
        "eos_token": END,
        "pad_token": END,
        "unk_token": END,
        "model_max_length": LONGEST,
        "do_lower_case": True,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return len(tokens)


def forge_clip(folder: Path, projection_dim: int = 12, seed: int = 0) -> Path:
    """The whole model: pictures of 32 px and texts of up to 16 tokens become ``projection_dim`` numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    words = forge_tokenizer(folder)
    layers = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
    text = {**layers, "vocab_size": words, "max_position_embeddings": LONGEST}
    text |= {"bos_token_id": words - 2, "eos_token_id": words - 1, "pad_token_id": words - 1}
    vision = {**layers, "image_size": SIDE, "patch_size": 8}
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=projection_dim))
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.2)  # At CLIP's own start all pictures look alike.
        model.train(False).save_pretrained(folder)
        side = {"height": SIDE, "width": SIDE}
        CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=side).save_pretrained(folder)
    return folder
