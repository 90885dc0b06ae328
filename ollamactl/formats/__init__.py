"""How numbers are written in the languages of the panel, where Django has it otherwise."""
